using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Reductions;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using Gather = Lathe.Compiler.Operators.Movement.Gather;

namespace Lathe.Compiler.Operators.Losses;

/// <summary>
/// -x[n, t[n, d…], d…] · weight[t[n, d…]], and 0 where the target t is to be ignored: as they are, their sum, or their mean, in which each counts as
/// much as it weighs.
/// </summary>
public sealed class NegativeLogLikelihoodLoss : IComposite<NegativeLogLikelihoodLoss>
{
    private NegativeLogLikelihoodLoss()
    {
    }

    /// <inheritdoc/>
    public static OpSchema Schema => new("NegativeLogLikelihoodLoss", 2, 3);

    /// <inheritdoc/>
    public static IReadOnlyList<Value> Import(OnnxNode node, GraphBuilder builder) =>
        [Of(node, builder, node.Inputs[0], node.Inputs[1], node.Has(2) ? node.Inputs[2] : Value.None)];

    /// <summary>The loss of given log-probabilities, with the attributes of a node.</summary>
    internal static Value Of(OnnxNode node, GraphBuilder builder, Value x, Value target, Value weight)
    {
        RequireFit(node, x.Type, target.Type, weight);
        ElementType element = x.Type.Element, wide = element.Arithmetic();
        // Targets outside of the classes read the nearest one: GatherElements sees to that, so that also those to be ignored may be any number.
        Value picked = builder.Add(new Squeeze([1]), builder.Add(new GatherElements(1), x, builder.Add(new Unsqueeze([1]), target)));
        Value loss = builder.Add(new Neg(), builder.Widen(picked));
        Value weights = weight.IsNone ? Value.None : builder.Widen(builder.Add(new Gather(), weight, target));
        if (!weights.IsNone) loss = builder.Add(new Mul(), loss, weights);
        if (node.Attributes.ContainsKey("ignore_index"))
        {
            Value ignored = builder.Add(new Equal(), target, builder.Number(target.Type.Element, AttributeReader.Get(node, "ignore_index", 0L)));
            Value none = builder.Number(wide, 0), one = builder.Number(wide, 1);
            loss = builder.Add(new Where(), ignored, none, loss);
            weights = builder.Add(new Where(), ignored, none, weights.IsNone ? one : weights);
        }

        return builder.Cast(Reduce(), element);

        Value Reduce()
        {
            string reduction = AttributeReader.Get(node, "reduction", "mean");
            switch (reduction)
            {
                case "none": return loss;
                case "sum": return Sum(loss);
                case "mean": return weights.IsNone ? builder.Add(new ReduceMean(null, false), loss) : builder.Add(new Div(), Sum(loss), Sum(weights));
                default: throw AttributeReader.Wrong(node, "reduction", $"'{reduction}' is unknown");
            }
        }

        Value Sum(Value value) => builder.Add(new ReduceSum(null, false), value);
    }

    private static void RequireFit(OnnxNode node, TensorType x, TensorType target, Value weight)
    {
        if (!x.Element.IsFloat()) throw node.Bad($"input 0 has elements of type {x.Element.Name()}, not floats");
        if (target.Element is not (ElementType.Int32 or ElementType.Int64)) throw node.Bad($"the targets have elements of type {target.Element.Name()}");
        if (x.Rank < 2) throw node.Bad($"{x} has no classes");
        IEnumerable<IndexExpr> dims = x.Dims.Where((_, axis) => axis != 1);
        if (!target.Dims.SequenceEqual(dims)) throw node.Bad($"targets {target} do not fit {x}");
        if (!weight.IsNone && (weight.Type.Element != x.Element || weight.Type.Dims is not [var only] || only != x.Dims[1]))
            throw node.Bad($"weights {weight.Type} do not fit the classes of {x}");
    }
}
