using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using Fractions = Lathe.Runtime.Routines.ScaleFractions;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>
/// The fractions that scales are meant to be, so that <see cref="Resize"/> can count in integers: numerator and denominator of each, one after the other,
/// or two zeros for what is no scale.
/// </summary>
public sealed record ScaleFractions : Op, IOp<ScaleFractions>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new(null, 1, 1);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Opaque;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        TensorType x = context.Float(0);
        context.Require(x.Rank == 1 && x.Element is ElementType.Float32 or ElementType.Float64, $"the scales are {x}");
        context.Output(ElementType.Int64, x.Dims[0] * 2);
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs) =>
        [TensorData.OfInt64s([.. inputs[0]!.ToDoubles().SelectMany(s => Fractions.IsScale(s) && Fractions.Of(s) is var (p, q) ? (long[])[p, q] : [0, 0])])];

    /// <inheritdoc/>
    public override RoutineUse Routine(IReadOnlyList<TensorType?> inputs, IReadOnlyList<TensorType> outputs) => new(nameof(ScaleFractions));
}
