using Lathe.Compiler.Graph;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Compiler.Operators.Linear;

/// <summary>
/// Einstein's sum: the product of all inputs at labelled indices, summed over the labels that the result does not have. A label that an input has twice
/// runs along its diagonal. See <see cref="EinsumEquation"/>.
/// </summary>
public sealed record Einsum(string Equation) : Op, IOp<Einsum>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new("Einsum", 1, int.MaxValue);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Contraction;

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        for (int i = 0; i < context.Inputs.Length; i++)
        {
            context.Numeric(i);
            context.RequireSameElement(0, i);
        }

        try
        {
            EinsumEquation equation = EinsumEquation.Parse(Equation);
            context.Require(equation.Count == context.Inputs.Length, $"'{Equation}' has {equation.Count} terms for {context.Inputs.Length} inputs");
            int[][] labels = equation.Labels([.. context.Inputs.Select(v => v.Type.Rank)]);
            Dictionary<int, IndexExpr> extents = Extents(labels, [.. context.Inputs.Select(v => v.Type)]);
            for (int i = 0; i < context.Inputs.Length; i++)
            {
                foreach ((int label, IndexExpr dim) in labels[i].Zip(context.Type(i).Dims))
                    context.Require(dim == extents[label] || dim == IndexExpr.One, $"dims {dim} and {extents[label]} of '{Equation}' have one label");
            }

            context.Output(context.Type(0).Element, [.. labels[^1].Select(l => extents[l])]);
        }
        catch (FormatException wrong)
        {
            context.Fail(wrong.Message);
        }
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs)
    {
        TensorType[] types = [.. inputs.Select(x => TensorType.Of(x!.Element, x.Dims))];
        int[][] labels = EinsumEquation.Parse(Equation).Labels([.. types.Select(t => t.Rank)]);
        Dictionary<int, IndexExpr> extents = Extents(labels, types);
        int[] summed = Summed(labels);
        TensorData y = TensorData.Zeros(outputs[0].Element, outputs[0].StaticDims);
        Dictionary<int, long> at = [];
        int next = 0;
        foreach (long[] index in RowMajor.Indices(y.Dims))
        {
            for (int i = 0; i < index.Length; i++) at[labels[^1][i]] = index[i];
            double sum = 0;
            Int128 whole = 0;
            foreach (long[] inner in RowMajor.Indices([.. summed.Select(l => extents[l].Value)]))
            {
                for (int i = 0; i < inner.Length; i++) at[summed[i]] = inner[i];
                int[] places = [.. inputs.Select((x, i) => (int)RowMajor.Offset(x!.Dims, [.. labels[i].Select((l, axis) => x.Dims[axis] == 1 ? 0 : at[l])]))];
                if (y.Element.IsFloat()) sum += inputs.Select((x, i) => x!.GetDouble(places[i])).Aggregate(1.0, (a, b) => a * b);
                else whole += (long)inputs.Select((x, i) => x!.GetInt64(places[i])).Aggregate(1L, (a, b) => unchecked(a * b));
            }

            if (y.Element.IsFloat()) y.SetDouble(next++, sum);
            else y.SetInteger(next++, whole);
        }

        return [y];
    }

    /// <inheritdoc/>
    public override LoweredOp Lower(LowerContext context)
    {
        TensorType[] types = [.. context.Inputs.Select(t => t!)];
        int[][] labels = EinsumEquation.Parse(Equation).Labels([.. types.Select(t => t.Rank)]);
        Dictionary<int, IndexExpr> extents = Extents(labels, types), at = [];
        for (int i = 0; i < labels[^1].Length; i++) at[labels[^1][i]] = context.Index[i];
        List<Axis> reduction = [];
        foreach (int label in Summed(labels))
        {
            Axis axis = context.Reduce($"r{reduction.Count}", extents[label]);
            reduction.Add(axis);
            at[label] = axis.Variable;
        }

        Expr[] factors = [.. types.Select((t, i) => context.Read(i, [.. labels[i].Select((l, axis) => t.Dims[axis] == IndexExpr.One ? IndexExpr.Zero : at[l])]).Widen())];
        if (reduction.Count == 0) return context.Map(factors.Aggregate((a, b) => a * b).To(context.Output.Element));
        Expr first = factors[0];
        Accumulator sum = context.Accumulate(
            "sum", first.Type.Element, Const.Of(first.Type, 0), acc => factors.Length == 1 ? acc + first : first.MultiplyAdd(factors.Skip(1).Aggregate((a, b) => a * b), acc));
        return context.ReduceOver(KernelFamily.Reduction, reduction, sum, acc => acc.To(context.Output.Element));
    }

    /// <inheritdoc/>
    public override IndexExpr Macs(IReadOnlyList<TensorType> inputs, IReadOnlyList<TensorType> outputs)
    {
        int[][] labels = EinsumEquation.Parse(Equation).Labels([.. inputs.Select(t => t.Rank)]);
        Dictionary<int, IndexExpr> extents = Extents(labels, inputs);
        return inputs.Count < 2 ? IndexExpr.Zero : IndexExpr.Product(extents.Values) * (inputs.Count - 1);
    }

    /// <summary>How far each label runs: as the axes that have it, of which those of length 1 are repeated.</summary>
    private static Dictionary<int, IndexExpr> Extents(int[][] labels, IReadOnlyList<TensorType> inputs)
    {
        Dictionary<int, IndexExpr> extents = [];
        for (int i = 0; i < inputs.Count; i++)
        {
            for (int axis = 0; axis < labels[i].Length; axis++)
            {
                int label = labels[i][axis];
                if (!extents.TryGetValue(label, out IndexExpr? known) || known == IndexExpr.One) extents[label] = inputs[i].Dims[axis];
            }
        }

        return extents;
    }

    private static int[] Summed(int[][] labels) => [.. labels[..^1].SelectMany(l => l).Distinct().Except(labels[^1])];
}
