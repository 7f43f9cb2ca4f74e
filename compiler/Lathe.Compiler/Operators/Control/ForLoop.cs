using Lathe.Compiler.Graph;
using Lathe.Kernels.Loops;

namespace Lathe.Compiler.Operators.Control;

/// <summary>
/// A body that is run a number of times. Its inputs are the states, then what it reads from around it; its outputs the next states, then what each iteration
/// adds to the results. The operator's inputs are the first states, then what is read from around; its outputs the last states, then the results, whose axis
/// 0 is that of the iterations.
/// </summary>
/// <param name="Body">The body; its counter is a symbol in it.</param>
/// <param name="Counter">The symbol that counts from 0.</param>
/// <param name="Count">How often the body is run.</param>
/// <param name="States">How many values go from one iteration to the next.</param>
/// <param name="Backwards">True if the first iteration makes the last element of the results.</param>
public sealed record ForLoop(Graph.Graph Body, IndexExpr Counter, IndexExpr Count, long States, bool Backwards = false) : Op, IOp<ForLoop>
{
    /// <inheritdoc/>
    public static OpSchema Schema => new(null, 0, int.MaxValue, int.MaxValue);

    /// <inheritdoc/>
    public override OpRole Role => OpRole.Opaque;

    /// <summary>The symbol that counts.</summary>
    public IndexVar Variable => Counter.Variables.Single();

    /// <inheritdoc/>
    public override Op Substitute(Func<IndexVar, IndexExpr?> replacement) =>
        this with { Body = BodyCapture.Substitute(Body, replacement), Count = Count.Substitute(replacement) };

    /// <inheritdoc/>
    public override IReadOnlyList<Graph.Graph> Bodies => [Body];

    /// <inheritdoc/>
    public override Op MapBodies(Func<Graph.Graph, Graph.Graph> function) => this with { Body = function(Body) };

    /// <inheritdoc/>
    public override void Infer(InferContext context)
    {
        context.Require(Body.Inputs.Length == context.Inputs.Length, $"the body takes {Body.Inputs.Length} values, not {context.Inputs.Length}");
        context.Require(States >= 0 && States <= Body.Outputs.Length && States <= context.Inputs.Length, $"there are no {States} states");
        for (int i = 0; i < Body.Inputs.Length; i++)
        {
            TensorType given = context.Type(i), taken = Body.Inputs[i].Value.Type;
            context.Require(given.Element == taken.Element && given.Rank == taken.Rank, $"the body takes {taken}, not {given}");
        }

        for (int i = 0; i < Body.Outputs.Length; i++)
        {
            TensorType type = Body.Outputs[i].Value.Type with { Layout = null };
            if (i >= States)
            {
                context.Output(type with { Dims = (IndexExpr[])[Count, .. type.Dims] });
                continue;
            }

            context.Require(context.Type(i) with { Layout = null } == type, $"state {i} is {context.Type(i)} at first, and {type} after an iteration");
            context.Output(type);
        }
    }

    /// <inheritdoc/>
    public override TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyList<TensorType> outputs) =>
        Evaluate(inputs, new Dictionary<IndexVar, long>());

    /// <summary>The meaning, with values for the symbols of the graph around.</summary>
    internal TensorData[] Evaluate(IReadOnlyList<TensorData?> inputs, IReadOnlyDictionary<IndexVar, long> symbols)
    {
        Dictionary<IndexVar, long> inside = new(symbols);
        long count = Count.Evaluate(symbol => symbols[symbol]);
        TensorData[] states = [.. inputs.Take((int)States).Select(i => i!)], captured = [.. inputs.Skip((int)States).Select(i => i!)];
        List<TensorData>[] results = [.. Body.Outputs.Skip((int)States).Select(_ => new List<TensorData>())];
        for (long i = 0; i < count; i++)
        {
            inside[Variable] = i;
            IReadOnlyList<TensorData> made = GraphEvaluator.Run(Body, [.. states, .. captured], inside);
            states = [.. made.Take(states.Length)];
            for (int k = 0; k < results.Length; k++) results[k].Insert(Backwards ? 0 : results[k].Count, made[states.Length + k]);
        }

        return [.. states, .. results.Select((all, k) => Stack(all, Body.Outputs[states.Length + k].Value.Type, symbols))];
    }

    /// <inheritdoc/>
    public override IndexExpr Macs(IReadOnlyList<TensorType> inputs, IReadOnlyList<TensorType> outputs) => Count * Body.TopologicalOrder().Aggregate(
        IndexExpr.Zero, (sum, n) => sum + n.Op.Macs([.. n.Inputs.Where(v => !v.IsNone).Select(v => v.Type)], n.OutputTypes));

    private static TensorData Stack(List<TensorData> parts, TensorType type, IReadOnlyDictionary<IndexVar, long> symbols)
    {
        long[] dims = parts.Count > 0 ? parts[0].Dims : [.. type.Dims.Select(d => d.Evaluate(symbol => symbols[symbol]))];
        return TensorData.FromBytes(type.Element, [parts.Count, .. dims], [.. parts.SelectMany(p => p.Bytes)]);
    }
}
