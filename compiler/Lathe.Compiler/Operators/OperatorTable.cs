using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators.Control;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Operators.Losses;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Normalization;
using Lathe.Compiler.Operators.Pooling;
using Lathe.Compiler.Operators.Quantization;
using Lathe.Compiler.Operators.Randomness;
using Lathe.Compiler.Operators.Recurrent;
using Lathe.Compiler.Operators.Reductions;
using Lathe.Compiler.Operators.Sampling;
using Lathe.Compiler.Operators.Scattering;
using Lathe.Compiler.Operators.Selection;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Compiler.Operators.Signal;
using Lathe.Compiler.Operators.Transformer;
using OnnxRuntime = Lathe.Compiler.Operators.Quantization.OnnxRuntime;
using Range = Lathe.Compiler.Operators.Shapes.Range;

namespace Lathe.Compiler.Operators;

/// <summary>Every operator, one row each, alphabetical. A test fails if an operator record is missing.</summary>
public static class OperatorTable
{
    /// <summary>The rows.</summary>
    public static IReadOnlyList<OperatorRow> Rows { get; } =
    [
        Of<Abs>(),
        Of<Acos>(),
        Of<Acosh>(),
        Of<Add>(),
        Of<AffineGrid>(),
        Of<And>(),
        Of<ArgMax>(),
        Of<ArgMin>(),
        Of<Asin>(),
        Of<Asinh>(),
        Of<Atan>(),
        Of<Atanh>(),
        Composite<Attention>(),
        Of<AveragePool>(),
        Of<BatchNormalization>(),
        Composite<Bernoulli>(),
        Of<BitCast>(),
        Of<BitShift>(),
        Of<BitwiseAnd>(),
        Of<BitwiseNot>(),
        Of<BitwiseOr>(),
        Of<BitwiseXor>(),
        Composite<BlackmanWindow>(),
        Of<Border>(),
        Of<BroadcastTo>(),
        Of<Cast>(),
        Composite<CastLike>(),
        Composite<CausalConvWithState>(),
        Of<Ceil>(),
        Of<Celu>(),
        Of<CenterCropPad>(),
        Of<CheckIndices>(),
        Of<Clip>(),
        Of<Col2Im>(),
        Composite<Compress>(),
        Of<Concat>(),
        Composite<ConstantOfShape>(),
        Of<Conv>(),
        Of<ConvInteger>(),
        Of<ConvOfBytes>(),
        Of<ConvTranspose>(),
        Of<Cos>(),
        Of<Cosh>(),
        Of<CumProd>(),
        Of<CumSum>(),
        Of<DFT>(),
        Of<DeformConv>(),
        Of<DepthToSpace>(),
        Of<DepthwiseConvOfBytes>(),
        Of<DequantizeLinear>(),
        Composite<OnnxRuntime.DequantizeLinear>(),
        Of<Det>(),
        Of<Div>(),
        Of<Draw>(),
        Composite<Dropout>(),
        Composite<DynamicQuantizeLinear>(),
        Composite<OnnxRuntime.DynamicQuantizeMatMul>(),
        Of<Einsum>(),
        Of<Elu>(),
        Of<Equal>(),
        Of<Erf>(),
        Of<Exp>(),
        Of<Expand>(),
        Composite<EyeLike>(),
        Of<Flatten>(),
        Composite<FlexAttention>(),
        Of<Floor>(),
        Of<ForLoop>(),
        Composite<GRU>(),
        Of<Gather>(),
        Of<GatherElements>(),
        Of<GatherND>(),
        Of<Gelu>(),
        Of<Gemm>(),
        Of<GlobalAveragePool>(),
        Of<GlobalLpPool>(),
        Of<GlobalMaxPool>(),
        Of<Greater>(),
        Of<GreaterOrEqual>(),
        Of<GridSample>(),
        Composite<GroupNormalization>(),
        Composite<HammingWindow>(),
        Composite<HannWindow>(),
        Of<HardSigmoid>(),
        Of<HardSwish>(),
        Of<Hardmax>(),
        Of<Identity>(),
        Of<If>(),
        Of<InstanceNormalization>(),
        Of<IsInf>(),
        Of<IsNaN>(),
        Of<LRN>(),
        Composite<LSTM>(),
        Of<LayerNormalization>(),
        Of<LeakyRelu>(),
        Of<Less>(),
        Of<LessOrEqual>(),
        Of<Log>(),
        Of<LogSoftmax>(),
        Composite<LpNormalization>(),
        Of<LpPool>(),
        Of<MatMul>(),
        Of<MatMulInteger>(),
        Composite<OnnxRuntime.MatMulIntegerToFloat>(),
        Of<MatMulOfBytes>(),
        Of<MatMulOfHalves>(),
        Of<Max>(),
        Of<MaxPool>(),
        Of<MaxPoolIndices>(),
        Of<MaxUnpool>(),
        Of<Mean>(),
        Composite<MeanVarianceNormalization>(),
        Of<Measure>(),
        Of<MelWeightMatrix>(),
        Of<Min>(),
        Of<Mish>(),
        Of<Mod>(),
        Of<Mul>(),
        Composite<Multinomial>(),
        Of<Neg>(),
        Composite<NegativeLogLikelihoodLoss>(),
        Of<NonMaxSuppression>(),
        Of<NonZero>(),
        Of<Not>(),
        Of<OneHot>(),
        Of<Or>(),
        Of<PRelu>(),
        Of<Pad>(),
        Of<Pow>(),
        Composite<OnnxRuntime.QGemm>(),
        Composite<OnnxRuntime.QLinearAdd>(),
        Composite<OnnxRuntime.QLinearAveragePool>(),
        Composite<OnnxRuntime.QLinearConcat>(),
        Of<QLinearConv>(),
        Composite<OnnxRuntime.QLinearConv>(),
        Composite<OnnxRuntime.QLinearGlobalAveragePool>(),
        Composite<OnnxRuntime.QLinearLeakyRelu>(),
        Of<QLinearMatMul>(),
        Composite<OnnxRuntime.QLinearMul>(),
        Composite<OnnxRuntime.QLinearReduceMean>(),
        Composite<OnnxRuntime.QLinearSigmoid>(),
        Composite<OnnxRuntime.QLinearSoftmax>(),
        Composite<OnnxRuntime.QLinearWhere>(),
        Of<QuantizeLinear>(),
        Composite<OnnxRuntime.QuantizeLinear>(),
        Of<RMSNormalization>(),
        Composite<RNN>(),
        Composite<RandomNormal>(),
        Composite<RandomNormalLike>(),
        Composite<RandomUniform>(),
        Composite<RandomUniformLike>(),
        Of<Range>(),
        Of<Reciprocal>(),
        Of<ReduceL1>(),
        Of<ReduceL2>(),
        Of<ReduceLogSum>(),
        Of<ReduceLogSumExp>(),
        Of<ReduceMax>(),
        Of<ReduceMean>(),
        Of<ReduceMin>(),
        Of<ReduceProd>(),
        Of<ReduceSum>(),
        Of<ReduceSumSquare>(),
        Of<Relu>(),
        Of<Reshape>(),
        Of<Resize>(),
        Of<ResizeColumns>(),
        Of<ResizeImage>(),
        Of<ResizeRows>(),
        Of<ReverseSequence>(),
        Of<RoiAlign>(),
        Composite<RotaryEmbedding>(),
        Of<Round>(),
        Composite<STFT>(),
        Of<ScaleFractions>(),
        Composite<Scatter>(),
        Of<ScatterElements>(),
        Of<ScatterND>(),
        Of<Selu>(),
        Of<Shape>(),
        Of<Shrink>(),
        Of<Sigmoid>(),
        Of<Sign>(),
        Of<Sin>(),
        Of<Sinh>(),
        Of<Size>(),
        Of<Slice>(),
        Of<Softmax>(),
        Composite<SoftmaxCrossEntropyLoss>(),
        Of<Softplus>(),
        Of<Softsign>(),
        Of<SpaceToDepth>(),
        Composite<Split>(),
        Of<Sqrt>(),
        Of<Squeeze>(),
        Of<StridedSlice>(),
        Of<Sub>(),
        Of<Sum>(),
        Of<SumOfBytes>(),
        Composite<SwiGLU>(),
        Of<Swish>(),
        Of<TableOfBytes>(),
        Of<Tan>(),
        Of<Tanh>(),
        Of<TensorScatter>(),
        Of<ThresholdedRelu>(),
        Of<Tile>(),
        Of<TopK>(),
        Of<Transpose>(),
        Of<Trilu>(),
        Of<Unique>(),
        Of<Unsqueeze>(),
        Composite<Upsample>(),
        Of<View>(),
        Of<Where>(),
        Of<WinogradConv>(),
        Of<WinogradWeights>(),
        Of<WordsOfBytes>(),
        Of<Xor>(),
    ];

    /// <summary>Rows by ONNX domain and name.</summary>
    public static IReadOnlyDictionary<(string Domain, string Name), OperatorRow> ByOnnxName { get; } =
        Rows.Where(r => r.Schema.OnnxName is not null).ToDictionary(r => (r.Schema.Domain, r.Schema.OnnxName!));

    private static OperatorRow Of<TOp>()
        where TOp : Op, IOp<TOp> => new(typeof(TOp), TOp.Schema, (node, builder) => Import(TOp.Import, node, builder));

    private static OperatorRow Composite<TOp>()
        where TOp : IComposite<TOp> => new(typeof(TOp), TOp.Schema, (node, builder) => Import(TOp.Import, node, builder));

    /// <summary>
    /// Imports a node. What shapes depend on and is not known yet is measured when the model runs; the node's other inputs then wait for that.
    /// </summary>
    private static IReadOnlyList<Value> Import(Func<OnnxNode, GraphBuilder, IReadOnlyList<Value>> import, OnnxNode node, GraphBuilder builder)
    {
        while (true)
        {
            try
            {
                return import(node, builder);
            }
            catch (UnknownElementsException unknown) when (Measure.CanBeMeasured(node.Inputs[unknown.Input]))
            {
                Value measured = Measure.Of(builder, node.Inputs[unknown.Input]);
                node = node with { Inputs = [.. node.Inputs.Select((v, i) => i == unknown.Input ? measured : v.IsNone ? v : View.After(builder, v, measured))] };
            }
        }
    }
}

/// <summary>A row of <see cref="OperatorTable"/>.</summary>
/// <param name="Type">The record, or the class of a composite operator.</param>
/// <param name="Schema">What the importer needs to know.</param>
/// <param name="Import">Makes it from an ONNX node.</param>
public sealed record OperatorRow(Type Type, OpSchema Schema, Func<OnnxNode, GraphBuilder, IReadOnlyList<Value>> Import);
