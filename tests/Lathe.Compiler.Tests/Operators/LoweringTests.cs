using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Normalization;
using Lathe.Compiler.Operators.Pooling;
using Lathe.Compiler.Operators.Reductions;
using Lathe.Compiler.Operators.Sampling;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Kernels;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using Cast = Lathe.Compiler.Operators.Shapes.Cast;
using Gather = Lathe.Compiler.Operators.Movement.Gather;
using Range = Lathe.Compiler.Operators.Shapes.Range;

namespace Lathe.Compiler.Tests.Operators;

/// <summary>What every operator lowers to against what it means, on random tensors.</summary>
internal sealed partial class LoweringTests
{
    private static readonly IReadOnlyDictionary<string, long> Symbols = new Dictionary<string, long> { ["N"] = 3, ["H"] = 7, ["W"] = 5 };

    private static readonly EquatableArray<float> NoScales = [];

    /// <summary>An operator with the types of its inputs in text, such as <c>N,3,8 i64:4</c>.</summary>
    public sealed record Case(Op Op, string Inputs, double Tolerance = 2e-6)
    {
        /// <inheritdoc/>
        public override string ToString() => $"{Op} ({Inputs})";
    }

    private static IEnumerable<TestCaseData> Cases()
    {
        foreach (Case @case in Elementwise().Concat(Contractions()).Concat(Quantized()).Concat(Pools()).Concat(Rows()).Concat(Reductions()).Concat(Movements()).Concat(Resizes()).Concat(Samplings()))
            yield return new TestCaseData(@case).SetArgDisplayNames(@case.ToString());
    }

    [TestCaseSource(nameof(Cases))]
    public void Lowering_ComputesWhatTheOperatorMeans(Case @case)
    {
        TensorType[] types = [.. @case.Inputs.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Parse)];
        TensorData?[] inputs = [.. types.Select((t, i) => (TensorData?)Sample(@case.Op, t, i))];
        GraphBuilder builder = new();
        Node node = builder.AddNode(@case.Op, [.. types.Select((t, i) => builder.Add(new Input($"x{i}", t)))]);
        GraphBuilder concrete = new();
        Node known = concrete.AddNode(@case.Op.Substitute(v => Symbols[v.Name]), [.. inputs.Select(i => concrete.Constant(i!))]);
        TensorData[] expected = known.Op.Evaluate(inputs, known.OutputTypes);
        for (int output = 0; output < expected.Length; output++)
            Tensors.AssertClose(LoweredOperator.Run(node, output, inputs, Symbols), expected[output], @case.Tolerance);
    }

    [Test]
    public void EveryLoweredOperator_HasACase()
    {
        HashSet<Type> tested = [.. Cases().Select(c => ((Case)c.Arguments[0]!).Op.GetType())];
        // What is opaque has no loop nest: bodies have their own plans, routines their own tests, the others are no work at all.
        IEnumerable<Type> records = OperatorTable.Rows.Select(r => r.Type).Where(t => t.IsSubclassOf(typeof(Op)) && !IsOpaque(t));
        Assert.That(records.Where(t => !tested.Contains(t)).Select(t => t.Name), Is.Empty);
    }

    private static bool IsOpaque(Type type) => ((Op)System.Runtime.CompilerServices.RuntimeHelpers.GetUninitializedObject(type)).Role == OpRole.Opaque;

    private static IEnumerable<Case> Elementwise()
    {
        Op[] floats =
        [
            new Abs(), new Asin(), new Acos(), new Atan(), new Asinh(), new Atanh(), new Ceil(), new Floor(), new Round(), new Cos(), new Cosh(), new Sin(), new Sinh(),
            new Tan(), new Tanh(), new Exp(), new Erf(), new Neg(), new Sign(), new Reciprocal(), new Relu(), new Sigmoid(), new Softplus(), new Softsign(),
            new Elu(0.7f), new Celu(0.6f), new Selu(), new LeakyRelu(0.2f), new ThresholdedRelu(0.3f), new HardSigmoid(0.3f, 0.4f), new HardSwish(), new Mish(),
            new Swish(1.5f), new Swish(), new Gelu(), new Gelu("tanh"), new Shrink(0.1f, 0.3f), new IsNaN(), new IsInf(), new IsInf(false), new IsInf(true, false),
            new IsInf(false, false), new Identity(),
        ];
        foreach (Op op in floats) yield return new Case(op, "N,3,4", 1e-5);
        foreach (Op op in floats.Where(o => o is Exp or Relu or Gelu)) yield return new Case(op, "f16:5", 1e-3);
        yield return new Case(new Exp(), "bf16:5", 1e-2);
        yield return new Case(new Acosh(), "N,4", 1e-5);
        yield return new Case(new Log(), "N,4", 1e-5);
        yield return new Case(new Sqrt(), "N,4", 1e-5);
        foreach (Op op in (Op[])[new Abs(), new Neg(), new Sign(), new Relu(), new Shrink(1, 3)]) yield return new Case(op, "i32:9");
        yield return new Case(new Abs(), "u8:9");
        yield return new Case(new Sign(), "u8:9");
        yield return new Case(new Not(), "bool:9");
        yield return new Case(new BitwiseNot(), "i16:9");
        foreach (string shapes in (string[])["N,3,4 N,3,4", "N,3,4 4", "3,1 N,1,4", "2 1", "N,1 4", ", 3"])
        {
            foreach (Op op in (Op[])[new Add(), new Sub(), new Mul(), new Div(), new Less(), new Max(), new Min(), new Sum(), new Mean()])
                yield return new Case(op, shapes.Replace(", 3", "scalar 3"), 1e-5);
        }

        yield return new Case(new Pow(), "N,4 4", 1e-5);
        yield return new Case(new Pow(), "i64:4 i64:4");
        yield return new Case(new Mod(true), "N,4 4", 1e-5);
        foreach (string element in (string[])["i8", "u8", "i32", "i64", "u64"])
        {
            foreach (Op op in (Op[])[new Add(), new Sub(), new Mul(), new Div(), new Mod(), new Mod(true), new Max(), new Min(), new Equal(), new Greater(),
                new LessOrEqual(), new GreaterOrEqual(), new Less(), new BitwiseAnd(), new BitwiseOr(), new BitwiseXor()])
                yield return new Case(op, $"{element}:40 {element}:40");
        }

        yield return new Case(new BitShift("LEFT"), "u8:40 u8:40");
        yield return new Case(new BitShift("RIGHT"), "u32:40 u32:40");
        foreach (Op op in (Op[])[new And(), new Or(), new Xor(), new Equal()]) yield return new Case(op, "bool:N,8 bool:8");
        yield return new Case(new PRelu(), "N,3,4 3,1");
        yield return new Case(new PRelu(), "i32:6 i32:1");
        yield return new Case(new Max(), "N,3 3 1,3");
        yield return new Case(new Mean(), "N,3 3 1,3");
        yield return new Case(new Where(), "bool:N,1,4 3,1 N,3,4");
        yield return new Case(new Where(), "bool:4 i64:4 i64:1");
        yield return new Case(new Clip(), "N,4 scalar scalar");
        yield return new Case(new Clip(), "i32:9 i32:scalar");
        foreach (ElementType to in (ElementType[])[ElementType.Float32, ElementType.Float64, ElementType.Float16, ElementType.Int32, ElementType.Int64, ElementType.Bool])
        {
            yield return new Case(new Cast(to), "N,4", 1e-3);
            yield return new Case(new Cast(to), "i32:9");
            yield return new Case(new Cast(to), "bool:9");
        }

        foreach ((ElementType to, string from) in ((ElementType, string)[])
            [
                (ElementType.Int32, ""), (ElementType.UInt32, ""), (ElementType.Float32, "i32:"), (ElementType.Float16, "i16:"), (ElementType.BFloat16, "f16:"),
                (ElementType.Int16, "bf16:"), (ElementType.UInt8, "i8:"), (ElementType.UInt8, "bool:"), (ElementType.Bool, "u8:"), (ElementType.Float64, "i64:"), (ElementType.Int64, "u64:"),
            ])
            yield return new Case(new BitCast(to), $"{from}N,4");
        yield return new Case(new BatchNormalization(1e-3f), "N,3,H,4 3 3 3 3", 1e-5);
        yield return new Case(new BatchNormalization(), "N,3 3 3 3 3", 1e-5);
    }

    private static IEnumerable<Case> Contractions()
    {
        yield return new Case(new Conv(), "2,3,6,7 4,3,3,2");
        yield return new Case(new Conv(Pads: [1, 2, 0, 1], Strides: [2, 1], Dilations: [1, 2]), "N,3,H,W 4,3,3,2 4");
        yield return new Case(new Conv(AutoPad: "SAME_UPPER", Strides: [2, 3]), "1,2,H,8 3,2,3,3 3");
        yield return new Case(new Conv(AutoPad: "SAME_LOWER", Strides: [2, 2]), "1,2,7,8 3,2,4,3 3");
        yield return new Case(new Conv(AutoPad: "VALID"), "1,2,7,8 3,2,4,3 3");
        yield return new Case(new Conv(Group: 2, Pads: [1, 1, 1, 1]), "2,6,5,5 4,3,3,3 4");
        yield return new Case(new Conv(Group: 6, Pads: [1, 1, 1, 1], Strides: [2, 2]), "2,6,H,5 6,1,3,3 6");
        yield return new Case(new Conv(Group: 3, Pads: [1, 1, 1, 1]), "2,3,5,5 6,1,3,3");
        yield return new Case(new WinogradWeights(), "f16:5,4,3,3 6,3");
        yield return new Case(new WinogradWeights(), "bf16:17,2,2,2 3,2");
        yield return new Case(new MatMulOfHalves(false), "N,1,20 bf16:20,6 6");
        yield return new Case(new MatMulOfHalves(true, 0.25f), "3,20 i16:17,20 17");
        yield return new Case(new MatMulOfHalves(false, 4), "1,20 i16:20,17");
        yield return new Case(new WinogradConv(4, [1, 1, 1, 1]), "N,3,6,7 6,6,3,2 2");
        yield return new Case(new WinogradConv(2, [0, 2, 1, 0]), "1,2,5,4 4,4,2,3");
        yield return new Case(new Conv(Pads: [1, 1, 1, 1]), "2,3,5,5 4,3,3,3 4 3");
        yield return new Case(new Conv(Group: 3, Pads: [1, 1, 1, 1]), "2,3,5,5 3,1,3,3 3 3");
        yield return new Case(new Conv(Pads: [2, 1], Strides: [2]), "N,3,9 4,3,3");
        yield return new Case(new Conv(Pads: [1, 1, 1, 1, 1, 1]), "1,2,3,4,5 3,2,3,3,2");
        yield return new Case(new Conv(), "f16:1,8,4,4 f16:4,8,3,3", 1e-3);
        yield return new Case(new ConvTranspose(), "1,2,4,5 2,3,3,2");
        yield return new Case(new ConvTranspose(Strides: [2, 3], Pads: [1, 0, 0, 2], OutputPadding: [1, 2], Dilations: [2, 1]), "2,4,H,5 4,3,3,4 3");
        yield return new Case(new ConvTranspose(Group: 2, Strides: [2, 2]), "1,4,3,3 4,2,2,2 4");
        yield return new Case(new ConvTranspose(AutoPad: "SAME_UPPER", Strides: [3]), "1,4,3 4,2,4");
        yield return new Case(new ConvTranspose(AutoPad: "SAME_LOWER", Strides: [2, 2], OutputShape: [7, 8]), "1,2,3,4 2,2,4,3");
        yield return new Case(new MatMul(), "4,5 5,6");
        yield return new Case(new MatMul(), "N,2,4,5 2,5,6");
        yield return new Case(new MatMul(), "4,5 N,1,5,6");
        yield return new Case(new MatMul(), "5 N,5,6");
        yield return new Case(new MatMul(), "N,4,5 5");
        yield return new Case(new MatMul(), "5 5");
        yield return new Case(new MatMul(), "i32:4,5 i32:5,6");
        yield return new Case(new Gemm(), "N,5 5,6");
        yield return new Case(new Gemm(0.5f, 2f, true, true), "5,N 6,5 6");
        yield return new Case(new Gemm(1f, 1f, false, true), "N,5 6,5 N,1");
        yield return new Case(new Gemm(0.5f, 2f), "i32:4,5 i32:5,6 i32:6");
        yield return new Case(new Einsum("bij,bjk->bik"), "N,4,5 N,5,2", 1e-5);
        yield return new Case(new Einsum("...ij, ...kj -> k...i"), "N,1,4,5 3,2,5", 1e-5);
        yield return new Case(new Einsum("ii->i"), "5,5");
        yield return new Case(new Einsum("ii"), "5,5", 1e-5);
        yield return new Case(new Einsum("...ij->...ji"), "N,4,5");
        yield return new Case(new Einsum("a,b,ab->"), "4 5 4,5", 1e-5);
        yield return new Case(new Einsum("i,j"), "i32:4 i32:5");
        yield return new Case(new Einsum("ij,ij->i"), "f16:4,5 f16:4,5", 1e-3);
        yield return new Case(new DeformConv(), "1,2,4,5 3,2,2,3 1,12,3,3", 1e-5);
        yield return new Case(new DeformConv(Pads: [1, 0, 1, 2], Strides: [2, 1], Dilations: [1, 2], Group: 2, OffsetGroup: 2), "N,4,5,6 4,2,3,2 N,24,3,6 4 N,12,3,6", 1e-5);
        yield return new Case(new DeformConv(), "1,2,7 3,2,2 1,2,6", 1e-5);
    }

    private static IEnumerable<Case> Pools()
    {
        foreach (bool ceil in (bool[])[false, true])
        {
            yield return new Case(new MaxPool(CeilMode: ceil, KernelShape: [3, 2], Pads: [1, 0, 1, 1], Strides: [2, 2], Dilations: [2, 1]), "N,3,H,8");
            yield return new Case(new MaxPoolIndices(CeilMode: ceil, KernelShape: [3, 2], Pads: [1, 0, 1, 1], Strides: [2, 2]), "2,3,7,8");
            yield return new Case(new LpPool(CeilMode: ceil, KernelShape: [3, 2], P: 3, Strides: [2, 2]), "N,3,7,8", 1e-5);
            foreach (bool padded in (bool[])[false, true])
                yield return new Case(new AveragePool(CeilMode: ceil, CountIncludePad: padded, KernelShape: [3, 2], Pads: [1, 0, 1, 1], Strides: [2, 2], Dilations: [1, 2]), "N,3,7,W");
        }

        yield return new Case(new AveragePool(AutoPad: "SAME_UPPER", KernelShape: [3, 3], Strides: [2, 2]), "1,3,H,8");
        yield return new Case(new AveragePool(KernelShape: [2, 2]), "1,3,6,8");
        yield return new Case(new MaxPool(KernelShape: [3]), "u8:1,3,6");
        yield return new Case(new MaxPoolIndices(KernelShape: [2, 2, 2], ColumnMajor: true), "1,2,3,4,3");
        yield return new Case(new LpPool(KernelShape: [3, 2], P: 1), "1,3,7,8");
        yield return new Case(new Col2Im([5, 5], [2, 3]), "1,12,12");
        yield return new Case(new Col2Im([5, 6], [3, 2], [1, 2], [1, 0, 1, 1], [2, 1]), "N,18,15", 1e-5);
        yield return new Case(new Col2Im([7], [3], Pads: [-1, 0], Strides: [3]), "i32:2,6,2");
        yield return new Case(new GlobalAveragePool(), "N,3,H,W");
        yield return new Case(new GlobalMaxPool(), "N,3,4,5");
        yield return new Case(new GlobalLpPool(), "N,3,4");
    }

    private static IEnumerable<Case> Rows()
    {
        foreach (int axis in (int[])[0, 1, -1])
        {
            foreach (Op op in (Op[])[new Softmax(axis), new LogSoftmax(axis), new Hardmax(axis)]) yield return new Case(op, "N,3,4", 1e-5);
        }

        yield return new Case(new Softmax(), "f16:2,8", 1e-3);
        yield return new Case(new InstanceNormalization(1e-3f), "N,3,H,4 3 3", 1e-5);
        yield return new Case(new LayerNormalization(-1), "N,3,8 8 8", 1e-5);
        yield return new Case(new LayerNormalization(1, 1e-2f), "N,3,8 3,8", 1e-5);
        yield return new Case(new RMSNormalization(-2), "N,3,8 8", 1e-5);
        yield return new Case(new LRN(3), "N,6,4", 1e-5);
        yield return new Case(new LRN(4, 0.1f, 0.5f, 2f), "N,6,4", 1e-5);
    }

    private static IEnumerable<Case> Reductions()
    {
        foreach (bool keep in (bool[])[true, false])
        {
            foreach (EquatableArray<long>? axes in (EquatableArray<long>?[])[null, [1], [-1, 0], []])
            {
                Op[] ops =
                [
                    new ReduceSum(axes, keep), new ReduceMean(axes, keep), new ReduceMax(axes, keep), new ReduceMin(axes, keep), new ReduceProd(axes, keep),
                    new ReduceL1(axes, keep), new ReduceL2(axes, keep), new ReduceSumSquare(axes, keep), new ReduceLogSumExp(axes, keep),
                ];
                foreach (Op op in ops) yield return new Case(op, "N,3,4", 1e-5);
            }

            yield return new Case(new ArgMax(1, keep), "N,9,4");
            yield return new Case(new ArgMin(-1, keep, true), "i32:N,9");
            yield return new Case(new ArgMax(0, keep, true), "u8:40");
            // Vectors choose for many places at once, with a rest; elements side by side already, across blocks of lanes, and with ties.
            yield return new Case(new ArgMax(1, keep), "2,5,37");
            yield return new Case(new ArgMin(-1, keep), "N,19,21");
            yield return new Case(new ArgMax(-1, keep, true), "i32:70,3");
            yield return new Case(new ArgMax(-1, keep), "3,150");
        }

        yield return new Case(new ReduceLogSum([1]), "N,4", 1e-5);
        foreach (Op op in (Op[])[new ReduceSum([0]), new ReduceMean([0]), new ReduceMax([0]), new ReduceMin([0]), new ReduceProd([0]), new ReduceL1(), new ReduceSumSquare()])
            yield return new Case(op, "i32:5,3");
        foreach (Op op in (Op[])[new ReduceMax([0]), new ReduceMin([0])]) yield return new Case(op, "bool:2,8");
        yield return new Case(new ReduceMax(), "u8:8");
    }

    private static IEnumerable<Case> Movements()
    {
        IndexVar n = new("N", 1, 1000), h = new("H", 1, 1000);
        yield return new Case(new Reshape([n, 12]), "N,3,4");
        yield return new Case(new Reshape([(IndexExpr)n * 3, 2, 2]), "N,3,4");
        yield return new Case(new Reshape([2, 6, 4]), "4,3,4");
        yield return new Case(new Reshape([8, 6]), "4,3,4");
        yield return new Case(new Reshape([1, (IndexExpr)n * h, 2]), "H,2,1,N");
        yield return new Case(new Flatten(2), "N,3,4,5");
        yield return new Case(new Flatten(0), "3,4");
        yield return new Case(new Squeeze([1, -1]), "N,1,4,1");
        yield return new Case(new Squeeze(), "3,1,4,1");
        yield return new Case(new Unsqueeze([0, -1]), "N,4");
        yield return new Case(new Transpose(), "N,3,4");
        yield return new Case(new Transpose([0, 2, 3, 1]), "N,3,4,5");
        yield return new Case(new Expand([3, 1, n]), "4,1");
        yield return new Case(new Expand([2, 3]), "bool:scalar");
        yield return new Case(new BroadcastTo([4, n, 5]), "N,W");
        yield return new Case(new BroadcastTo([n, 4]), "i64:1");
        yield return new Case(new Concat(1), "N,2,3 N,1,3 N,4,3");
        yield return new Case(new Concat(-1), "i64:2 i64:0 i64:3");
        yield return new Case(new Slice([1, -3], [int.MaxValue, -1], [0, 2]), "N,4,5");
        yield return new Case(new Slice([0, 100, -2], [10, -100, -9], [0, 1, 2], [2, -1, -3]), "7,4,9");
        yield return new Case(new Slice([(IndexExpr)n - 1], [-long.MaxValue], [0], [-1]), "N,4");
        yield return new Case(new StridedSlice([1, (IndexExpr)n - 1, 3], [2, -1, 0], [2, n, 4]), "5,N,4");
        yield return new Case(new Slice([3], [1], [1]), "2,4");
        yield return new Case(new Tile([2, n, 1]), "2,3,4");
        foreach (string mode in (string[])["constant", "reflect", "edge", "wrap"])
        {
            yield return new Case(new Pad([1, 2, 0, 0, 3, 1], mode), "2,4,5");
            yield return new Case(new Pad([0, 2, 2, 0, 1, -1], mode), "2,H,W");
            yield return new Case(new Pad([5, 7], mode), "3");
        }

        yield return new Case(new Pad([2, 2], "reflect"), "1");
        yield return new Case(new Pad([0, -1, 2, 1], "constant"), "3,4 scalar");
        yield return new Case(new Border([1, 0], [2, 1]), "N,3,4,W 3,1,1");
        yield return new Case(new Border([2, 3], [1, 0]), "N,3,4 7");
        yield return new Case(new Border([2, 3], [1, 64]), "N,3,40 107");
        yield return new Case(new DepthToSpace(2), "N,8,3,H");
        yield return new Case(new DepthToSpace(3, "CRD"), "1,18,2,3");
        yield return new Case(new SpaceToDepth(2), "N,3,4,6");
        yield return new Case(new Gather(1), "N,5,4 i64:2,3");
        yield return new Case(new Gather(-1), "N,5,4 i32:7");
        yield return new Case(new Gather(), "9,2 u8:3");
        yield return new Case(new GatherElements(1), "3,5 i64:3,7");
        yield return new Case(new GatherElements(-2), "3,5 i32:2,4");
        yield return new Case(new GatherND(), "4,5,3 i64:N,2");
        yield return new Case(new GatherND(1), "N,5,3 i32:N,2,1");
        yield return new Case(new GatherND(2), "u8:2,3,4 u8:2,3,1");
        yield return new Case(new ReverseSequence(), "5,N,2 i64:N");
        yield return new Case(new ReverseSequence(0, 1), "i32:3,4 i64:3");
        yield return new Case(new CenterCropPad([3, 7, n]), "5,4,3");
        yield return new Case(new CenterCropPad([(IndexExpr)n + 1, 4]), "u8:N,7");
        yield return new Case(new OneHot(4), "i64:N,3 2");
        yield return new Case(new OneHot(n, 1), "i32:9,4 i8:2");
        yield return new Case(new OneHot(3, 0), "7 bool:2");
        yield return new Case(new OneHot(5), "u8:9 i64:2");
        yield return new Case(new Trilu(), "N,4,5");
        yield return new Case(new Trilu(false, -1), "i64:4,4");
        yield return new Case(new Trilu(true, 2), "bool:4,5");
        yield return new Case(new Shape(), "N,3,H");
        yield return new Case(new Shape(-2, -1), "N,3,H");
        yield return new Case(new Compiler.Operators.Shapes.Size(), "N,3,H");
        yield return new Case(new Range(n, -2, h, ElementType.Int32), "");
        yield return new Case(new Range(3, 2, 5, ElementType.Int64), "");
    }

    private static IEnumerable<Case> Resizes()
    {
        foreach (string coordinates in (string[])["half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_half_pixel_for_nn"])
        {
            foreach (string nearest in (string[])["round_prefer_floor", "round_prefer_ceil", "floor", "ceil", "simple"])
            {
                yield return new Case(new Resize([1f, 1f, 2f, 0.6f], [], CoordinateTransformationMode: coordinates, NearestMode: nearest), "1,2,5,7");
                yield return new Case(new Resize(NoScales, [1, 9, 3], CoordinateTransformationMode: coordinates, NearestMode: nearest), "1,4,8");
            }

            foreach (string mode in (string[])["linear", "cubic"])
            {
                // Made for the nearest element: it would interpolate axes that keep their length, too.
                if (coordinates != "tf_half_pixel_for_nn")
                    yield return new Case(new Resize([1f, 1f, 2f, 0.6f], [], CoordinateTransformationMode: coordinates, Mode: mode), "1,2,5,7", 1e-5);
                yield return new Case(new Resize(NoScales, [1, 9, 3], CoordinateTransformationMode: coordinates, Mode: mode), "1,4,8", 1e-5);
                yield return new Case(new Resize(NoScales, [1, 9, 3], CoordinateTransformationMode: coordinates, Mode: mode, Antialias: true), "1,4,8", 1e-5);
                yield return new Case(new Resize([1f, 1.5f, 0.4f], [], CoordinateTransformationMode: coordinates, Mode: mode, ExcludeOutside: true), "1,4,8", 1e-5);
                yield return new Case(new Resize([1f, 1.5f, 0.4f], [], true, coordinates, -0.5f, true, Mode: mode), "1,4,8", 1e-5);
            }
        }

        EquatableArray<float> roi = [0f, 0.25f, -0.2f, 1f, 0.75f, 1.1f];
        foreach (string mode in (string[])["nearest", "linear", "cubic"])
        {
            yield return new Case(new Resize(NoScales, [1, 6, 5], CoordinateTransformationMode: "tf_crop_and_resize", ExtrapolationValue: 7f, Mode: mode, Roi: roi), "1,4,8", 1e-5);
            yield return new Case(new Resize([1f, 1f, 3f], [], Mode: mode, CoordinateTransformationMode: "asymmetric"), "N,2,W", 1e-5);
        }

        IndexVar n = new("N", 1, 1000);
        yield return new Case(new Resize(NoScales, [2, (IndexExpr)n * 2 + 1], Mode: "linear"), "2,W", 1e-5);
        yield return new Case(new Resize(NoScales, [2, n], NearestMode: "floor", CoordinateTransformationMode: "asymmetric"), "2,W");
        yield return new Case(new Resize([2f, 3f], []), "u8:3,4");
        yield return new Case(new Resize([2f, 1f], [], Mode: "linear", CoordinateTransformationMode: "asymmetric"), "u8:3,4");
    }

    private static IEnumerable<Case> Samplings()
    {
        foreach (bool corners in (bool[])[false, true])
        {
            foreach (string padding in (string[])["zeros", "border", "reflection"])
            {
                foreach (string mode in (string[])["nearest", "linear", "cubic"])
                {
                    yield return new Case(new GridSample(corners, mode, padding), "N,2,4,5 N,3,W,2", 2e-5);
                    yield return new Case(new GridSample(corners, mode, padding), "1,1,2,1,3 1,3,2,2,3", 2e-5);
                }

                yield return new Case(new GridSample(corners, "linear", padding), "f16:1,2,4 f16:1,7,1", 1e-3);
            }

            yield return new Case(new AffineGrid([new IndexVar("H", 1, 1000), 4], corners), "N,2,3", 1e-5);
            yield return new Case(new AffineGrid([3, 1, 4], corners), "2,3,4", 1e-5);
        }

        foreach (string mode in (string[])["stretch", "letterbox", "crop"])
        {
            // Larger and smaller, wide and narrow: 7 x 5 pixels become these. Weights are rounded to float32, of values up to 1 and up to 255.
            foreach ((long height, long width) in ((long, long)[])[(6, 9), (3, 4), (14, 10), (1, 1), (9, 2), (7, 5), (13, 1)])
            {
                yield return new Case(new ResizeImage(height, width, 2, mode, Fill: mode == "letterbox" ? 0.5f : 0), "N,2,H,W");
                yield return new Case(new ResizeImage(height, width, 1, mode, Fill: mode == "letterbox" ? 114 : 0), "u8:N,H,W,3", 1e-4);
                if (mode == "stretch") yield return new Case(new ResizeImage(height, width, 2, mode, AlignCorners: true), "N,2,H,W");
                IndexVar h = new("H", 1, 1000), w = new("W", 1, 1000);
                bool corners = mode == "stretch" && height == 7;
                yield return new Case(new ResizeRows(height, width, w, mode, corners), "N,2,H,W");
                yield return new Case(new ResizeRows(height, width, 5, mode, corners), "u8:N,H,15", 1e-4);
                yield return new Case(new ResizeColumns(width, h, w, 0, ElementType.Float32, mode, corners, mode == "letterbox" ? 0.5f : 0), $"N,2,{height},W");
                yield return new Case(new ResizeColumns(width, h, 5, 3, ElementType.Float32, mode, corners, mode == "letterbox" ? 114 : 0), $"N,{height},15", 1e-4);
            }

            yield return new Case(new ResizeImage(4, 8, 1, mode, Rounds: true), "u8:1,8,4,3");
            yield return new Case(new ResizeImage(4, 8, 2, mode, Rounds: true), "i16:1,3,1,2");
            yield return new Case(new ResizeImage(5, 5, 0, mode), "f16:H,W", 1e-3);
        }

        yield return new Case(new GridSample(Mode: "nearest"), "bool:1,2,4,5 1,3,3,2");
        foreach (string coordinates in (string[])["half_pixel", "output_half_pixel"])
        {
            foreach (string mode in (string[])["avg", "max"])
            {
                yield return new Case(new RoiAlign(coordinates, mode, 2, 3, 2, 0.5f), "2,2,5,6 N,4 i64:N", 2e-5);
                yield return new Case(new RoiAlign(coordinates, mode, 1, 2, 0, 0.8f), "2,1,4,3 N,4 i64:N", 2e-5);
            }
        }
    }

    private static TensorType Parse(string text)
    {
        string[] parts = text.Split(':');
        ElementType element = parts.Length == 1 ? ElementType.Float32 : parts[0] switch
        {
            "f16" => ElementType.Float16,
            "bf16" => ElementType.BFloat16,
            "i8" => ElementType.Int8,
            "i16" => ElementType.Int16,
            "u16" => ElementType.UInt16,
            "i32" => ElementType.Int32,
            "i64" => ElementType.Int64,
            "u8" => ElementType.UInt8,
            "u32" => ElementType.UInt32,
            "u64" => ElementType.UInt64,
            "bool" => ElementType.Bool,
            _ => throw new ArgumentException(text),
        };
        return OperatorCase.Typed(element, parts[^1] == "scalar" ? [] : parts[^1].Split(','));
    }

    /// <summary>A random tensor that lies where the operator is defined and well conditioned.</summary>
    private static TensorData Sample(Op op, TensorType type, int input)
    {
        TensorData data = RandomTensor.Of(type.Element, 17 + input, [.. type.Dims.Select(d => d.Evaluate(v => Symbols[v.Name]))]);
        if (OfQuantized(op, data, input) is { } quantized) return quantized;
        if (!type.Element.IsFloat()) return data;
        bool positive = op is Log or Sqrt or Acosh or ReduceLogSum or BatchNormalization || (op is Pow && input == 0);
        bool awayFromZero = op is Reciprocal || (op is Div or Mod && input == 1);
        for (int i = 0; i < data.Count; i++)
        {
            double value = data.GetDouble(i);
            if (op is IsNaN or IsInf && i % 3 != 0) value = i % 3 == 1 ? double.NaN : value < 0 ? double.NegativeInfinity : double.PositiveInfinity;
            if (op is Cast or Round or Ceil or Floor or Mish) value *= 25;
            if (op is GridSample && input == 1) value *= 1.7;
            if (op is DeformConv && input == 2) value *= 2;
            if (op is OneHot && input == 0) value *= 4;
            // Regions that start before the image, and such that have no area.
            if (op is RoiAlign && input == 1) value = (value * 5) + (i % 4 < 2 ? 0 : 4);
            if (positive) value = Math.Abs(value) + (op is Acosh ? 1.1 : 0.1);
            if (awayFromZero) value += value < 0 ? -0.5 : 0.5;
            data.SetDouble(i, value);
        }

        return data;
    }
}
