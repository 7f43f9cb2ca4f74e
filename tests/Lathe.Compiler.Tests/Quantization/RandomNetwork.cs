using System.Globalization;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;
using Lathe.Compiler.Tests.Onnx;
using static Lathe.Compiler.Tests.Onnx.ModelBuilder;

namespace Lathe.Compiler.Tests.Quantization;

/// <summary>Small networks of random layers as a user would export them.</summary>
internal sealed class RandomNetwork
{
    private readonly Random _random;
    private int _names;

    public RandomNetwork(int seed)
    {
        _random = new Random(seed);
        Model = new ModelBuilder(_random.Next(2) == 0 ? 11 : 17);
        (int channels, int height, int width) = (_random.Next(3, 20), _random.Next(6, 14), _random.Next(6, 14));
        Dims = [1, channels, height, width];
        Model.Input("x", 1, channels, height, width);
        // Wide enough that it pays to make bytes of the input.
        string x = Activated(Convolution("x", ref channels, 24, 3));
        for (int layers = _random.Next(2, 6); layers > 0; layers--) x = Layer(x, ref channels, ref height, ref width);
        if (_random.Next(2) == 0)
        {
            string pooled = Node("GlobalAveragePool", [x]), row = Node("Flatten", [pooled]);
            int columns = _random.Next(2, 30);
            x = _random.Next(2) == 0
                ? Node("Gemm", [row, Floats(columns * channels, columns, channels), Floats(columns, columns)], ("transB", 1L))
                : Node("MatMul", [row, Floats(channels * columns, channels, columns)]);
        }
        else x = Convolution(x, ref channels, _random.Next(2, 20), 1);

        Node("Identity", [x], "y");
        Model.Output("y");
    }

    public ModelBuilder Model { get; }

    public long[] Dims { get; }

    /// <summary>An input: normally distributed, as preprocessed images are, more or less.</summary>
    public TensorData Sample() => TensorData.OfFloats([.. Enumerable.Range(0, (int)(Dims[1] * Dims[2] * Dims[3])).Select(_ => Normal())], Dims);

    private string Layer(string x, ref int channels, ref int height, ref int width)
    {
        int before = channels;
        switch (_random.Next(8))
        {
            case 0:
                return Activated(Convolution(x, ref channels, channels, 3, channels));
            case 1:
                return Activated(Node("Add", [Convolution(x, ref channels, channels, 3), x]));
            case 2 when height > 3 && width > 3:
                (height, width) = (height / 2, width / 2);
                return Node(_random.Next(2) == 0 ? "MaxPool" : "AveragePool", [x], ("kernel_shape", (long[])[2, 2]), ("strides", (long[])[2, 2]));
            case 3:
                string left = Activated(Convolution(x, ref channels, 12, 1)), right = Activated(Convolution(x, ref before, 9, 3));
                channels += before;
                return Node("Concat", [left, right], ("axis", 1L));
            case 4:
                // SiLU, of which no part is quantised alone.
                string inner = Convolution(x, ref channels, 16, 1);
                return Node("Mul", [inner, Node("Sigmoid", [inner])]);
            case 5:
                return Node("Transpose", [Node("Transpose", [x], ("perm", (long[])[0, 2, 3, 1]))], ("perm", (long[])[0, 3, 1, 2]));
            default:
                return Activated(Convolution(x, ref channels, _random.Next(4, 40), _random.Next(1, 4)));
        }
    }

    private string Convolution(string x, ref int channels, int filters, int kernel, int group = 1)
    {
        int pad = kernel / 2, perFilter = channels / group * kernel * kernel;
        List<string> inputs = [x, Floats(filters * perFilter, filters, channels / group, kernel, kernel)];
        if (_random.Next(2) == 0) inputs.Add(Floats(filters, filters));
        string y = Node("Conv", [.. inputs], ("pads", (long[])[pad, pad, kernel - 1 - pad, kernel - 1 - pad]), ("group", (long)group));
        channels = filters;
        if (_random.Next(2) > 0) return y;
        string[] statistics = [.. Enumerable.Range(0, 4).Select(i => Initialiser([.. Enumerable.Range(0, filters).Select(_ => i is 0 or 3 ? (float)(0.5 + _random.NextDouble()) : Normal() / 4)], filters))];
        return Node("BatchNormalization", [y, .. statistics]);
    }

    private string Activated(string x) => _random.Next(4) switch
    {
        0 => Node("Relu", [x]),
        1 => Node("Clip", [x, Initialiser([0]), Initialiser([6])]),
        2 => Node("LeakyRelu", [x], ("alpha", 0.1f)),
        _ => x,
    };

    /// <summary>Weights that keep the size of what they multiply.</summary>
    private string Floats(int count, params long[] dims)
    {
        double gain = dims.Length == 1 ? 0.2 : 1.4 / Math.Sqrt((double)count / dims[0]);
        return Initialiser([.. Enumerable.Range(0, count).Select(_ => (float)(Normal() * gain))], dims);
    }

    private string Initialiser(float[] values, params long[] dims)
    {
        string name = Name("w");
        Model.Initialiser(ModelBuilder.Floats(name, dims, values));
        return name;
    }

    private string Node(string op, string[] inputs, params (string Name, object Value)[] attributes) => Node(op, inputs, Name(op), attributes);

    private string Node(string op, string[] inputs, string output, params (string Name, object Value)[] attributes)
    {
        Model.Node(op, inputs, [output], attributes);
        return output;
    }

    private string Name(string stem) => stem + (_names++).ToString(CultureInfo.InvariantCulture);

    private float Normal() => (float)(Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(2 * Math.PI * _random.NextDouble()));
}
