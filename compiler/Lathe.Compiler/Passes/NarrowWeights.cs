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
/// product(x, w) → product(x, cast(half(w), float32)) for constant weights, if <see cref="CompileOptions.Precision"/> or a rule asks for 16 bits. The cast is computed when the model is
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

    /// <summary>
    /// What a core has nearby: fewer bytes of float16 are not read faster than they are widened, which takes four instructions (AVX2, 512 by 512: 10.4 us against 7.7; AVX-512: 5.3 against 5.5).
    /// bfloat16 takes two, and gains everywhere.
    /// </summary>
    private const long NearBytes = 512 << 10;

    /// <summary>Layers that share weights share what is made of them.</summary>
    private static readonly ConditionalWeakTable<TensorData, ConcurrentDictionary<ElementType, TensorData>> Known = [];

    /// <summary>The same of weights as bits.</summary>
    private static readonly ConditionalWeakTable<TensorData, StrongBox<(TensorData Bits, float Scale)>> KnownBits = [];

    /// <inheritdoc/>
    public Graph.Graph Run(Graph.Graph graph, PassContext context)
    {
        if (PrecisionNames.WeightsOf(context.Options.Precision) is null && context.Options.PrecisionRules.All(r => PrecisionNames.WeightsOf(r.Value) is null)) return graph;
        HashSet<TensorData> alsoRead = [.. graph.TopologicalOrder().SelectMany(node => node.Inputs.Where((v, i) => !v.IsNone && v.Constant is not null && !IsFactor(node, i)).Select(v => v.Constant!))];
        return Rebuild.Run(graph, (node, builder) =>
        {
            string precision = context.Precisions.RuleOf(builder.CurrentName)?.Value ?? context.Options.Precision;
            if (PrecisionNames.WeightsOf(precision) is not { } element) return null;
            if (OfSingleRow(node, element, builder) is { } product) return [product];
            Value[] inputs = [.. node.Inputs];
            for (int i = 0; i < inputs.Length; i++)
            {
                if (!IsStoredNarrow(node, i) || inputs[i].Constant is not { } weights) continue;
                if (Rounded(weights, element, builder.CurrentName, node.Op, context) is { } narrow) inputs[i] = builder.Add(new Cast(ElementType.Float32), builder.Constant(narrow));
            }

            return inputs.SequenceEqual(node.Inputs) ? null : [builder.Add(node.Op, inputs)];
        });

        bool IsStoredNarrow(Node node, int input) => IsFactor(node, input) && node.Inputs[input].Constant is { Count: >= FewestElements } weights && !alsoRead.Contains(weights);

        // The product of one row with many weights, which are widened as they are read; null for what is no such product.
        Value? OfSingleRow(Node node, ElementType element, GraphBuilder builder)
        {
            if (node.Op is not (MatMul or Gemm { Alpha: 1, Beta: 1, TransA: false }) || !IsStoredNarrow(node, 1) || node.Inputs[0].Constant is not null) return null;
            (TensorType left, TensorData weights) = (node.Inputs[0].Type, node.Inputs[1].Constant!);
            if (weights.Dims.Length != 2 || left.Rank < 2 || left.Dims.SkipLast(1).Any(d => d != IndexExpr.One)) return null;
            Value[] added = [.. node.Inputs.Skip(2).Where(v => !v.IsNone)];
            if (added is [{ Type.Dims: var dims }] && !(dims is [var length] && length == node.OutputTypes[0].Dims[1])) return null;
            bool isTransposed = node.Op is Gemm { TransB: true };
            if (element == ElementType.BFloat16)
            {
                TensorData narrow = Rounded(weights, element);
                return Decibels(weights, narrow) >= LeastDecibels ? builder.Add(new MatMulOfHalves(isTransposed), [node.Inputs[0], builder.Constant(narrow), .. added]) : null;
            }

            if (weights.Count * sizeof(short) < NearBytes || !AreFinite(weights)) return null;
            (TensorData bits, float scale) = KnownBits.GetValue(weights, w => new(MatMulOfHalves.BitsOf(w))).Value;
            // A denormal one may count as zero where the model runs.
            if (!float.IsNormal(scale)) return null;
            return builder.Add(new MatMulOfHalves(isTransposed, scale), [node.Inputs[0], builder.Constant(bits), .. added]);
        }
    }

    /// <summary>Weights in 16 bits; null, with a warning, where these do not hold them.</summary>
    internal static TensorData? Rounded(TensorData weights, ElementType element, string? node, Op op, PassContext context)
    {
        TensorData narrow = Rounded(weights, element);
        double quality = Decibels(weights, narrow);
        if (quality >= LeastDecibels) return narrow;
        context.Report(NotNarrowed(node, op, PrecisionNames.Of(element)!, quality));
        return null;
    }

    private static TensorData Rounded(TensorData weights, ElementType element) => Known.GetOrCreateValue(weights).GetOrAdd(element, to => new Cast(to).Evaluate([weights], [])[0]);

    /// <summary>True for an operand of a product of float32; the others are added, or place what is multiplied.</summary>
    internal static bool IsFactor(Node node, int input) => node.Op.Role == OpRole.Contraction && input < 2
        && node.OutputTypes[0].Element == ElementType.Float32 && node.Inputs.Take(2).All(v => v.Type.Element == ElementType.Float32);

    private static Diagnostic NotNarrowed(string? node, Op op, string precision, double quality) => new(DiagnosticTable.WeightsNotNarrowed, node, op.Name, double.IsFinite(quality)
        ? string.Create(CultureInfo.InvariantCulture, $"in {precision} their rounding errors would be {quality:F0} dB below them, less than {LeastDecibels:F0}")
        : $"{precision} does not hold all of them");

    private static bool AreFinite(TensorData weights)
    {
        foreach (float weight in weights.Span<float>())
            if (!float.IsFinite(weight)) return false;
        return true;
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
