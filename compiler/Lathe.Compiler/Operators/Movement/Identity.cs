using Lathe.Compiler.Graph;

namespace Lathe.Compiler.Operators.Movement;

/// <summary>y = x.</summary>
public sealed record Identity : Op, IOp<Identity>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Identity", 1, 1);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Elementwise;

    /// <inheritdoc/>
    public override void Infer(InferContext context) => context.Output(context.Type(0) with { Layout = null }, context.Content(0));

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs) => [inputs[0]!];

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context) => context.Map(context.Read(0, context.Index));
}
