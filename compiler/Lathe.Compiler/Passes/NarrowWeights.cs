using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Linear;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using Cast = Lathe.Compiler.Operators.Shapes.Cast;

namespace Lathe.Compiler.Passes;

/// <summary>
/// product(x, w) → product(x, cast(half(w), float32)) for constant weights, if <see cref="CompileOptions.Precision"/> asks for 16 bits. The cast is computed when the model is
/// loaded; only a product of a single row, which reads each of many weights once, widens them as it reads them.
/// </summary>
public sealed class NarrowWeights : IPass
{
    /// <summary>Smaller constants stay as they are: they save next to nothing.</summary>
    public const int FewestElements = 256;

    /// <summary>
    /// The least ratio of weights to their rounding errors, in dB. Weights within the range of a type are far above it (bfloat16 at least 54 dB, float16 at least 72); below
    /// are those that overflow, or are mostly so small that float16 has no bits for them.
    /// </summary>
    public const double LeastDecibels = 50;

    /// <summary>What a core has nearby: fewer bytes of weights are read faster than they are widened.</summary>
    private const long NearBytes = 512 << 10;

    /// <summary>Layers that share weights share what is made of them.</summary>
    private static readonly ConditionalWeakTable<TensorData, ConcurrentDictionary<ElementType, TensorData>> Known = [];

    /// <inheritdoc/>
    public Graph.Graph Run(Graph.Graph graph, PassContext context)
    {
        if (PrecisionNames.WeightsOf(context.Options.Precision) is not { } element) return graph;
        HashSet<TensorData> alsoRead = [.. graph.TopologicalOrder().SelectMany(node => node.Inputs.Where((v, i) => !v.IsNone && v.Constant is not null && !IsFactor(node, i)).Select(v => v.Constant!))];
        return Rebuild.Run(graph, (node, builder) =>
        {
            Value[] inputs = [.. node.Inputs];
            bool isNarrowed = false;
            for (int i = 0; i < inputs.Length; i++)
            {
                if (!IsFactor(node, i) || inputs[i].Constant is not { Element: ElementType.Float32, Count: >= FewestElements } weights || alsoRead.Contains(weights)) continue;
                TensorData narrow = Known.GetOrCreateValue(weights).GetOrAdd(element, to => new Cast(to).Evaluate([weights], [])[0]);
                double quality = Decibels(weights, narrow);
                if (!(quality >= LeastDecibels))
                {
                    context.Report(new Diagnostic(DiagnosticTable.WeightsNotNarrowed, builder.CurrentName, node.Op.Name, double.IsFinite(quality)
                        ? string.Create(CultureInfo.InvariantCulture, $"in {context.Options.Precision} their rounding error would be {quality:F0} dB below them, less than {LeastDecibels:F0}")
                        : $"{context.Options.Precision} does not hold their largest"));
                    continue;
                }

                (inputs[i], isNarrowed) = (builder.Constant(narrow), true);
            }

            if (!isNarrowed) return null;
            if (OfSingleRow(node, inputs, builder) is { } product) return [product];
            return [builder.Add(node.Op, [.. inputs.Select((v, i) => v == node.Inputs[i] ? v : builder.Add(new Cast(ElementType.Float32), v))])];
        });
    }

    /// <summary>The constant of 16 bits that a value is made of where it is nothing but this pass's weights; otherwise null.</summary>
    public static Value? StoredOf(Value value) =>
        value is { IsNone: false, Op: Cast { To: ElementType.Float32 }, Node.Inputs: [{ Constant.Element: ElementType.Float16 or ElementType.BFloat16 } stored] } ? stored : null;

    /// <summary>True for an operand of a product of float32; the others are added, or place what is multiplied.</summary>
    private static bool IsFactor(Node node, int input) => node.Op.Role == OpRole.Contraction && input < 2
        && node.OutputTypes[0].Element == ElementType.Float32 && node.Inputs.Take(2).All(v => v.Type.Element == ElementType.Float32);

    /// <summary>The product of one row with many weights of 16 bits; null for what is no such product.</summary>
    private static Value? OfSingleRow(Node node, Value[] inputs, GraphBuilder builder)
    {
        (Value left, Value weights) = (inputs[0], inputs[1]);
        if (weights.Constant is not { Element: ElementType.Float16 or ElementType.BFloat16, Dims.Length: 2, Bytes.LongLength: >= NearBytes } || left.Constant is not null) return null;
        if (left.Type.Rank < 2 || left.Type.Dims.SkipLast(1).Any(d => d != IndexExpr.One)) return null;
        switch (node.Op)
        {
            case MatMul:
                return builder.Add(new MatMulOfHalves(TransB: false), left, weights);
            case Gemm { Alpha: 1, Beta: 1, TransA: false } gemm when inputs.Length < 3 || inputs[2].IsNone || inputs[2].Type.Dims is [var length] && length == node.OutputTypes[0].Dims[1]:
                return builder.Add(new MatMulOfHalves(gemm.TransB), [left, weights, .. inputs.Skip(2)]);
            default:
                return null;
        }
    }

    /// <summary>How many decibels the rounding errors of weights are below them; not finite where some are not.</summary>
    private static double Decibels(TensorData exact, TensorData rounded)
    {
        double signal = 0, noise = 0;
        for (int i = 0; i < exact.Count; i++)
        {
            double value = exact.GetDouble(i), error = value - rounded.GetDouble(i);
            (signal, noise) = (signal + (value * value), noise + (error * error));
        }

        return noise == 0 ? double.MaxValue : 10 * Math.Log10(signal / noise);
    }
}
