using Lathe.Compiler.Graph;
using Lathe.Compiler.Operators;
using Lathe.Compiler.Operators.Elementwise;
using Lathe.Compiler.Operators.Linear;
using Lathe.Compiler.Operators.Movement;
using Lathe.Compiler.Operators.Pooling;
using Lathe.Compiler.Operators.Shapes;
using Lathe.Runtime;

namespace Lathe.Compiler.Tests.Passes;

/// <summary>A random image, what is said of it, and what of a model reads it: a convolution, sometimes something else too.</summary>
internal sealed class ImageCase
{
    private static readonly (string Word, ElementType Type)[] Elements =
        [("u8", ElementType.UInt8), ("u8", ElementType.UInt8), ("i8", ElementType.Int8), ("u16", ElementType.UInt16), ("f16", ElementType.Float16), ("f32", ElementType.Float32)];

    private readonly Random _random;
    private readonly int _values;
    private readonly int _channels, _filters, _group;
    private readonly long[] _dims;
    private readonly bool _transposesFirst, _isLast, _isReversed, _isOwn, _isPlanar;
    private readonly string _order, _modelOrder;
    private readonly ElementType _element;
    private readonly Conv _conv;
    private readonly long _kernelHigh, _kernelWide;
    private readonly float[]? _ownMean, _ownScale;
    private readonly string _second;

    /// <param name="form">Decides shapes, formats and what is done: cases that have it in common share kernels.</param>
    /// <param name="values">Decides weights, means, scales and the image.</param>
    public ImageCase(int form, int values)
    {
        _random = new Random(form);
        (Name, _values) = ($"x{form}_{values}", values);
        _channels = Pick(3, 3, 3, 3, 1, 4);
        _group = _channels > 1 && Chance(0.2) ? _channels : 1;
        _filters = _group * _random.Next(1, 4);
        _isLast = Chance(0.2);
        _isReversed = _group == 1 && Chance(0.2);
        // The model itself takes bytes in the order of an image, and converts them: there are no options then.
        _isOwn = Chance(0.15);
        _isPlanar = !_isOwn && Chance(0.4);
        (string word, _element) = _isOwn ? Elements[0] : Pick(Elements);
        _order = _channels switch { 1 => "GRAY", 3 => Pick("RGB", "BGR", "RGBA", "BGRA", "GRAY"), _ => Pick("RGBA", "BGRA") };
        _modelOrder = _channels switch { 1 => "GRAY", 3 => Pick("RGB", "RGB", "BGR"), _ => Pick("RGBA", "BGRA") };
        if (_isOwn) _order = _modelOrder;
        (_kernelHigh, _kernelWide) = (_random.Next(1, 5), _random.Next(1, 5));
        long[] strides = [_random.Next(1, 4), _random.Next(1, 4)], dilations = Chance(0.25) ? [_random.Next(1, 3), _random.Next(1, 3)] : [1, 1];
        string automatic = Chance(0.3) ? Pick("SAME_UPPER", "SAME_LOWER", "VALID") : "NOTSET";
        long[] pads = automatic == "NOTSET" && Chance(0.7) ? [.. Enumerable.Range(0, 4).Select(_ => (long)_random.Next(0, 4))] : [0, 0, 0, 0];
        _conv = new Conv(automatic, dilations, _group, [], automatic == "NOTSET" ? pads : [], strides);
        _dims = [_random.Next(1, 3), _channels, ((_kernelHigh - 1) * dilations[0]) + _random.Next(1, 12), ((_kernelWide - 1) * dilations[1]) + _random.Next(1, 40)];
        // Five rows are no channels.
        if (_isLast) _dims[2] += 4;
        bool hasMean = Chance(0.7), hasScale = Chance(0.7), hasOwn = Chance(0.25);
        _second = Pick("", "", "", "convolution", "pool");
        _transposesFirst = Chance(0.5);
        _random = new Random(values);
        Mean = !_isOwn && hasMean ? Numbers(0, 200) : null;
        Scale = !_isOwn && hasScale ? Numbers(30, 100) : null;
        if (_isOwn || hasOwn) (_ownMean, _ownScale) = (Numbers(-1, 100), Numbers(1, 60));
        if (!_isOwn) Format = InputFormat.Parse($"{word},{(_isPlanar ? "NCHW" : "NHWC")},{_order}" + (_modelOrder == "RGB" ? "" : $",model={_modelOrder}"));
    }

    public string Name { get; }

    public InputFormat? Format { get; }

    public float[]? Mean { get; }

    public float[]? Scale { get; }

    /// <summary>Terms of a result, and roundings beside them: weights, bias, the model's own arithmetic.</summary>
    public double Roundings => Math.Max(_kernelHigh * _kernelWide * _channels / _group, _second == "pool" ? _dims[2] * _dims[3] : 0) + 12;

    public override string ToString() =>
        $"{Name}: {(_isOwn ? "bytes" : Format)} {string.Join('x', _dims)}{(_isLast ? " last" : "")}{(_isReversed ? " reversed" : "")} to {_filters}x{_kernelHigh}x{_kernelWide} {_conv} mean {Text(Mean)} scale {Text(Scale)} own {Text(_ownMean)} {Text(_ownScale)} {_second}";

    /// <summary>The part of the model that is compiled.</summary>
    public (GraphPort Input, IReadOnlyList<GraphPort> Outputs) Add(GraphBuilder g)
    {
        long[] dims = _isOwn ? [_dims[0], _dims[2], _dims[3], _dims[1]] : Last(_dims);
        Value x = g.Add(new Input(Name, TensorType.Of(_isOwn ? _element : ElementType.Float32, dims)));
        Value seen = x;
        if (_isOwn)
        {
            // In either order.
            Transpose transpose = new([0, 3, 1, 2]);
            Cast cast = new(ElementType.Float32);
            seen = _transposesFirst ? g.Add(cast, g.Add(transpose, x)) : g.Add(transpose, g.Add(cast, x));
        }
        else if (_isLast)
        {
            seen = g.Add(new Transpose([0, 3, 1, 2]), x);
        }

        return (new GraphPort(Name, x), Outputs(g, seen, ElementType.Float32, absolute: false, null));
    }

    /// <summary>An image, and what the model makes of it in float64 if it is converted outside; and how large the terms of each result are.</summary>
    public (TensorData Image, IReadOnlyList<TensorData> Expected, IReadOnlyList<TensorData> Magnitudes) Run()
    {
        long inMemory = _order == "GRAY" ? 1 : _order.Length;
        TensorData image = TensorData.Zeros(_element, _isPlanar ? [_dims[0], inMemory, _dims[2], _dims[3]] : [_dims[0], _dims[2], _dims[3], inMemory]);
        for (int i = 0; i < image.Count; i++)
            image.SetDouble(i, _element switch { ElementType.Int8 => _random.Next(-128, 128), ElementType.UInt16 => _random.Next(0, 65536), _ => _random.Next(0, 256) });

        TensorData seen = TensorData.Zeros(ElementType.Float64, _dims), sizes = TensorData.Zeros(ElementType.Float64, _dims);
        int next = 0;
        foreach (long[] at in RowMajor.Indices(_dims))
        {
            int c = (int)at[1];
            long from = _order == "GRAY" ? 0 : _order.IndexOf(_modelOrder[c], StringComparison.Ordinal);
            double value = image.GetDouble((int)RowMajor.Offset(image.Dims, _isPlanar ? [at[0], from, at[2], at[3]] : [at[0], at[2], at[3], from]));
            (double mean, double scale) = (Mean?[c] ?? 0, Scale?[c] ?? 1);
            seen.SetDouble(next, (value - mean) / scale);
            sizes.SetDouble(next++, (Math.Abs(value) + Math.Abs(mean)) / Math.Abs(scale));
        }

        double[] outside = [.. Enumerable.Range(0, _channels).Select(c => 2 * Math.Abs((Mean?[c] ?? 0) / (Scale?[c] ?? 1)))];
        return (image, Evaluate(seen, false, null), Evaluate(sizes, true, outside));
    }

    private IReadOnlyList<TensorData> Evaluate(TensorData x, bool absolute, double[]? outside)
    {
        GraphBuilder g = new();
        Value input = g.Add(new Input("x", TensorType.Of(ElementType.Float64, _dims)));
        return GraphEvaluator.Run(g.Build("g", [new GraphPort("x", input)], Outputs(g, input, ElementType.Float64, absolute, outside), []), [x]);
    }

    /// <summary>What reads the image as the model sees it; of absolute values the sum of the absolute values of all terms instead.</summary>
    private IReadOnlyList<GraphPort> Outputs(GraphBuilder g, Value x, ElementType element, bool absolute, double[]? outside)
    {
        double[]? border = outside;
        if (_ownMean is not null)
        {
            x = g.Add(absolute ? new Add() : new Sub(), x, PerChannel(g, element, _ownMean, absolute));
            x = g.Add(new Div(), x, PerChannel(g, element, _ownScale!, absolute));
            border = border?.Select((b, c) => (b + (2 * Math.Abs(_ownMean[c]))) / Math.Abs(_ownScale![c])).ToArray();
        }

        if (_isReversed)
        {
            x = g.Add(new Slice([_channels - 1], [-int.MaxValue], [1], [-1]), x);
            border = border?.Reverse().ToArray();
        }

        List<GraphPort> outputs = [new GraphPort($"y_{Name}", Convolution(g, x, _conv, 1, element, absolute, border))];
        if (_second == "convolution") outputs.Add(new GraphPort($"z_{Name}", Convolution(g, x, _conv with { Strides = [1, 1], Dilations = [1, 1], AutoPad = "NOTSET", Pads = [1, 0, 2, 1] }, 3, element, absolute, border)));
        if (_second == "pool") outputs.Add(new GraphPort($"z_{Name}", g.Add(new GlobalAveragePool(), x)));
        return outputs;
    }

    private Value Convolution(GraphBuilder g, Value x, Conv conv, int seed, ElementType element, bool absolute, double[]? border)
    {
        Value weights = Constant(g, element, RandomTensor.Of(ElementType.Float32, _values + seed, _filters, _channels / _group, _kernelHigh, _kernelWide), absolute);
        Value bias = Constant(g, element, RandomTensor.Of(ElementType.Float32, _values + seed + 1, _filters), absolute);
        return border is null ? g.Add(conv, x, weights, bias) : g.Add(conv, x, weights, bias, g.Constant(Vector(element, border, _channels)));
    }

    private Value PerChannel(GraphBuilder g, ElementType element, float[] values, bool absolute) =>
        g.Constant(Vector(element, [.. values.Select(v => absolute ? Math.Abs((double)v) : v)], 1, _channels, 1, 1));

    private static Value Constant(GraphBuilder g, ElementType element, TensorData data, bool absolute) =>
        g.Constant(Vector(element, [.. data.ToDoubles().Select(v => absolute ? Math.Abs(v) : v)], data.Dims));

    private static TensorData Vector(ElementType element, double[] values, params long[] dims)
    {
        TensorData data = TensorData.Zeros(element, dims);
        for (int i = 0; i < values.Length; i++) data.SetDouble(i, values[i]);
        return data;
    }

    private long[] Last(long[] dims) => _isLast ? [dims[0], dims[2], dims[3], dims[1]] : dims;

    private bool Chance(double share) => _random.NextDouble() < share;

    private T Pick<T>(params T[] all) => all[_random.Next(all.Length)];

    /// <summary>A number for each channel, of either sign.</summary>
    private float[] Numbers(double least, double most) =>
        [.. Enumerable.Range(0, _channels).Select(_ => (float)((least + (_random.NextDouble() * (most - least))) * (least > 0 && Chance(0.2) ? -1 : 1)))];

    private static string Text(float[]? values) => values is null ? "-" : string.Join(',', values);
}
