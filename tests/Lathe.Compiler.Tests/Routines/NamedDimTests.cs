using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Kernels.Loops;
using Lathe.Runtime;
using ModelGraph = Lathe.Compiler.Graph.Graph;

namespace Lathe.Compiler.Tests.Routines;

/// <summary>Routines in a model with a named dim, whose value a request states.</summary>
internal sealed class NamedDimTests
{
    [Test]
    public void Routines_FollowANamedDim([Values] bool optimize)
    {
        GraphBuilder g = new();
        IndexVar n = g.Symbols.Fresh("N", 1, 100);
        Value x = Input("x", ElementType.Float32, n, 5), indices = Input("indices", ElementType.Int64, n, 5), k = Input("k", ElementType.Int64, 1);
        Value condition = Input("condition", ElementType.Bool, n), boxes = Input("boxes", ElementType.Float32, 1, n, 4), scores = Input("scores", ElementType.Float32, 1, 2, n);
        Value[] inputs = [x, indices, k, condition, boxes, scores], outputs =
        [
            .. RoutineModel.Import(g, "TopK", 11, 2, [x, k], ("axis", 0L)),
            .. RoutineModel.Import(g, "Unique", 11, 4, [x]),
            .. RoutineModel.Import(g, "Unique", 11, 1, [x], ("axis", 0L)),
            .. RoutineModel.Import(g, "CumSum", 14, 1, [x, g.Constant(TensorData.OfInt64s(0))]),
            .. RoutineModel.Import(g, "ScatterElements", 18, 1, [x, indices, x], ("axis", 1L), ("reduction", "add")),
            .. RoutineModel.Import(g, "Compress", 11, 1, [x, condition], ("axis", 0L)),
            .. RoutineModel.Import(g, "RandomUniformLike", 1, 1, [x], ("seed", 3f)),
            .. RoutineModel.Import(g, "NonMaxSuppression", 11, 1, [boxes, scores, g.Constant(TensorData.OfInt64s(3))]),
        ];
        ModelGraph graph = g.Build(
            "model",
            inputs.Select(v => new GraphPort(((Input)v.Op).Port, v)),
            outputs.Select((v, i) => new GraphPort($"y{i}", v)),
            [n, .. g.Symbols.Computed]);
        using CompiledGraph compiled = new(graph, optimize);
        foreach (int count in (int[])[3, 1, 40])
        {
            using InferRequest request = compiled.Model.CreateRequest(new Dictionary<string, long> { ["N"] = count });
            TensorData places = RandomTensor.Of(ElementType.Int64, count, count, 5);
            for (int i = 0; i < places.Count; i++) places.SetInt64(i, places.GetInt64(i) % 5);
            TensorData[] data =
            [
                RoutineModel.Awkward(ElementType.Float32, count, count, 5), places, TensorData.OfInt64s((count + 1) / 2), RandomTensor.Of(ElementType.Bool, 2, count),
                RandomTensor.Of(ElementType.Float32, 1, 1, count, 4), RandomTensor.Of(ElementType.Float32, 2, 1, 2, count),
            ];
            for (int i = 0; i < data.Length; i++) data[i].Bytes.CopyTo(request.InputBytes(i));
            request.Infer();
            IReadOnlyList<TensorData> expected = GraphEvaluator.Run(graph, data);
            for (int i = 0; i < expected.Count; i++)
            {
                TensorData actual = TensorData.FromBytes(expected[i].Element, request.OutputShape(i).ToArray(), request.OutputBytes(i).ToArray());
                Tensors.AssertClose(actual, expected[i], 0);
            }
        }

        Value Input(string name, ElementType element, params IndexExpr[] dims) => g.Add(new Input(name, new TensorType(element, dims)));
    }
}
