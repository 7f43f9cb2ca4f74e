using Lathe.Compiler.Lowering;

namespace Lathe.Generators.Tests;

/// <summary>Manifests as the compiler writes them.</summary>
internal static class TestManifests
{
    /// <summary>An image classifier of a fixed shape, with its preprocessing folded.</summary>
    public static string Fixed { get; } = Write("MyApp.SqueezeNet", [], [Image("data", 1)], [new("softmaxout_1", "", "float32", [1, 1000]) { Labels = ["tench", "a \"cock\"\n", "électric"] }]);

    /// <summary>A model with a named batch dim and an output of another type.</summary>
    public static string Dynamic { get; } = Write(
        "MyApp.Nets.Recognizer",
        [new("batch_size", "", 1, 64, 1), new("height", "", 1, 16384, 1), new("width", "", 1, 16384, 1)],
        [Image("input", "batch_size"), new("frame", "", "uint8", [1, "height", "width", 3]) { Resize = new(416, 640, 1, "letterbox", Fill: 114) }],
        [new("output", "", "float32", ["batch_size", 34]), new("best", "", "int64", ["batch_size * 2 + 1"])]);

    /// <summary>A detector that reads frames as a camera gives them.</summary>
    public static string Frames { get; } = Write(
        "Detector",
        [],
        [new("images", "", "uint8", [1, 416, 416, 4]) { Layout = "NHWC", Channels = "BGRA", Scale = [255f, 255f, 255f], Strided = [1] }, new("mask", "", "int8", [2, 1, 4, 4]) { Layout = "NCHW", Strided = [0, 2] }],
        [new("boxes", "", "float32", [1, 3549, 85])]);

    /// <summary>A model whose names try to become code.</summary>
    public static string Hostile { get; } = Write(
        "Trap",
        [new("in\"; } static int x = 1; //", "", 1, long.MaxValue, 2), new("class", "", 1, 2, 1)],
        [
            new("a\"\n/// </summary> public static int Evil = 1;\r\n//", "", "float32", ["class"]) { Doc = "</remarks>\u2028int evil;" },
            new("class", "", "bfloat16", ["in\"; } static int x = 1; //"]) { Layout = "*/ <b>" },
            new("dispose", "", "float16", []),
            new("\uD800\u202Ex\0", "", "bool", [2, 0]),
        ],
        [new("trap", "", "uint8", [long.MaxValue, 3]), new("\\u0022", "", "int8", [])],
        model: "evil\u0085.onnx*/ {0} </c>&");

    /// <summary>The text of a manifest with the compiler's own names.</summary>
    public static string Write(
        string className,
        IReadOnlyList<ManifestSymbol> symbols,
        IReadOnlyList<ManifestTensor> inputs,
        IReadOnlyList<ManifestTensor> outputs,
        string model = "model.onnx")
    {
        IReadOnlyList<string> properties = IdentifierNames.Properties(className, [.. inputs.Concat(outputs).Select(tensor => tensor.Name)]);
        IReadOnlyList<string> parameters = IdentifierNames.Parameters([.. symbols.Select(symbol => symbol.Name)]);
        return ManifestWriter.Write(new()
        {
            LatheVersion = "0.1.0",
            ClassName = className,
            AssemblyName = IdentifierNames.AssemblyName(className),
            ModuleName = IdentifierNames.ModuleName(className),
            ModelName = model,
            Precision = "fp32",
            Device = "CPU",
            Isas = ["avx512", "avx2", "vector128"],
            Symbols = [.. symbols.Select((symbol, i) => symbol with { Parameter = parameters[i] })],
            Inputs = [.. inputs.Select((tensor, i) => tensor with { Property = properties[i] })],
            Outputs = [.. outputs.Select((tensor, i) => tensor with { Property = properties[inputs.Count + i] })],
            ArenaBytes = 3_211_264,
            WeightBytes = 4_940_000,
            ModelHash = new('a', 64),
            OptionsHash = new('b', 64),
        });
    }

    private static ManifestTensor Image(string name, ManifestDim batch) => new(name, "", "float32", [batch, 3, 224, 224])
    {
        Layout = "NCHW",
        Channels = "RGB",
        Mean = [123.675f, 116.28f, 103.53f],
        Scale = [58.395f, 57.12f, 57.375f],
        Doc = "A photograph.",
    };
}
