using Lathe.Compiler.Graph;
using Lathe.Compiler.Tests.Operators;
using Lathe.Runtime;
using Lathe.Runtime.Routines;

namespace Lathe.Compiler.Tests.Routines;

/// <summary>Every routine of the runtime: an operator that calls it computes what it means. A new routine needs a case here.</summary>
internal sealed class RoutineTableTests
{
    private static readonly TensorData X = RandomTensor.Of(ElementType.Float32, 1, 3, 4), Zero = TensorData.OfInt64s(0);

    private static readonly Dictionary<string, (string Op, int Opset, TensorData[] Inputs, (string, object)[] Attributes)> Cases = new()
    {
        ["CheckIndices"] = ("Gather", 13, [X, TensorData.OfInt64s(2, -3, 0)], []),
        ["Cumulate"] = ("CumSum", 14, [X, Zero], []),
        // Transforms of longer lines differ by roundings, with which SignalTests deals.
        ["DFT"] = ("DFT", 17, [RandomTensor.Of(ElementType.Float32, 1, 3, 1, 1)], [("axis", 1L)]),
        ["Det"] = ("Det", 22, [RandomTensor.Of(ElementType.Float32, 1, 2, 3, 3)], []),
        ["Draw"] = ("RandomNormalLike", 22, [X], [("seed", 2f)]),
        ["MaxUnpool"] = (
            "MaxUnpool", 11, [RandomTensor.Of(ElementType.Float32, 1, 1, 1, 2, 2), TensorData.OfInt64s(5, 7, 13, 15).Reshape(1, 1, 2, 2)],
            [("kernel_shape", new[] { 2L, 2L }), ("strides", new[] { 2L, 2L })]),
        ["MelWeightMatrix"] = (
            "MelWeightMatrix", 17,
            [TensorData.OfInt64s(8).Reshape(), TensorData.OfInt64s(16).Reshape(), TensorData.OfInt64s(8192).Reshape(), TensorData.OfFloats([0]), TensorData.OfFloats([4096])],
            []),
        ["NonMaxSuppression"] = (
            "NonMaxSuppression", 11,
            [RandomTensor.Of(ElementType.Float32, 1, 1, 9, 4), RandomTensor.Of(ElementType.Float32, 2, 1, 2, 9), TensorData.OfInt64s(4), OperatorCase.Floats(0.5f)], []),
        ["NonZero"] = ("NonZero", 13, [RandomTensor.Of(ElementType.Bool, 1, 3, 4)], []),
        ["ScaleFractions"] = ("Resize", 10, [X, OperatorCase.Floats(2, 1.5f)], []),
        ["ScatterElements"] = ("ScatterElements", 18, [X, TensorData.OfInt64s(2, 0).Reshape(1, 2), TensorData.OfFloats([7, 8], 1, 2)], [("axis", 0L)]),
        ["ScatterND"] = ("ScatterND", 18, [X, TensorData.OfInt64s(2, 0).Reshape(2, 1), RandomTensor.Of(ElementType.Float32, 2, 2, 4)], []),
        ["TensorScatter"] = (
            "TensorScatter", 24, [RandomTensor.Of(ElementType.Float32, 1, 2, 5, 3), RandomTensor.Of(ElementType.Float32, 2, 2, 2, 3), TensorData.OfInt64s(1, 3)], []),
        ["TopK"] = ("TopK", 11, [X, TensorData.OfInt64s(2)], []),
        ["Unique"] = ("Unique", 11, [X], []),
    };

    private static IEnumerable<string> Names => Routine.Names.Order(StringComparer.Ordinal);

    [TestCaseSource(nameof(Names))]
    public void Routine_ComputesWhatItsOperatorMeans(string name)
    {
        (string op, int opset, TensorData[] inputs, (string, object)[] attributes) = Cases[name];
        using RoutineModel model = RoutineModel.Of(op, opset, op == "TopK" ? 2 : 1, inputs, attributes);
        Assert.That(model.Steps, Does.Contain(name), $"{op} does not call it");
        model.Check(inputs);
    }
}
