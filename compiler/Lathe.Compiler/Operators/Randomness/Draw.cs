using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using Lathe.Runtime.Routines;

namespace Lathe.Compiler.Operators.Randomness;

/// <summary>
/// Random numbers (<see cref="Philox"/>). An input, where there is one, is only waited for: what the shape depends on.
/// </summary>
/// <param name="Dims">How many.</param>
/// <param name="Element">Their type.</param>
/// <param name="IsNormal">The normal distribution, of mean 0 and standard deviation 1, or the uniform one, from 0 to before 1.</param>
/// <param name="Offset">What is added to each after it was multiplied by the scale.</param>
/// <param name="Scale">What each is multiplied by.</param>
/// <param name="Seed">From which the numbers follow; without one every inference draws others.</param>
/// <param name="Source">A text that no other has: two nodes that draw without a seed are not one.</param>
public sealed record Draw(
    EquatableArray<IndexExpr> Dims, ElementType Element, bool IsNormal = false, double Offset = 0, double Scale = 1, long? Seed = null, string Source = "") : Op, IOp<Draw>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new(null, 0, 1);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Opaque;

    /// <inheritdoc/>
    public override bool IsDeterministic => Seed is not null;

    /// <summary>Numbers in a shape of their own.</summary>
    public static Value Of(GraphBuilder builder, Draw draw, EquatableArray<IndexExpr> dims) => builder.Add(Distinct(builder, draw with { Dims = dims }));

    /// <summary>Numbers in the shape of a value.</summary>
    public static Value Like(GraphBuilder builder, Draw draw, Value shape)
    {
        draw = Distinct(builder, draw with { Dims = shape.Type.Dims });
        return shape.Type.IsStatic ? builder.Add(draw) : builder.Add(draw, shape);
    }

    /// <summary>The seed of an ONNX node, a float; null if it has none.</summary>
    public static long? SeedOf(OnnxNode node) =>
        node.Attributes.ContainsKey("seed") ? BitConverter.SingleToUInt32Bits(AttributeReader.Get(node, "seed", 0f)) : null;

    /// <inheritdoc/>
    public override Op Substitute(Func<IndexVar, IndexExpr?> replacement) => this with { Dims = Dims.Select(d => d.Substitute(replacement)).ToEquatableArray() };

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        context.Require(Element.IsFloat(), $"it draws no {Element.Name()}");
        context.Require(Dims.All(d => d.Range.Max >= 0), "a dim is negative");
        context.Output(new TensorType(Element, Dims));
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorData y = TensorData.Zeros(Element, outputs[0].StaticDims);
        UInt128 key = Seed is { } seed ? Philox.Key(seed) : Philox.NextKey();
        for (int i = 0; i < y.Count; i++)
            y.SetDouble(i, Offset + (Scale * (IsNormal ? Philox.Normal(key, i) : Philox.Uniform(key, i, Philox.Bits(Element)))));
        return [y];
    }

    /// <inheritdoc/>
    public override RoutineUse Routine(IReadOnlyList<TensorType?> inputs, IReadOnlyList<TensorType> outputs) =>
        new(nameof(Draw), [IsNormal ? 1 : 0, Seed is null ? 0 : 1, Seed ?? 0], [Offset, Scale]);

    private static Draw Distinct(GraphBuilder builder, Draw draw) => draw.Seed is null ? draw with { Source = builder.Symbols.Fresh("draw").Name } : draw;
}
