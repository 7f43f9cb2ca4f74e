using System.Runtime.Intrinsics;
using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Execution;

/// <summary>An input for which images of a format are handed over that is not compiled in. Immutable.</summary>
internal sealed class DeclaredImage
{
    private DeclaredImage(int input, PlanTensor model, ImageFormat format)
    {
        (Input, Format) = (input, format);
        (Mean, Scale) = ([.. format.Mean], [.. format.Scale]);
        IsPlanar = format.Layout == ImageLayout.Nchw;
        IsPlanarInModel = format.ModelLayout == ImageLayout.Nchw;
        if (model.Type != ElementType.Float32 || model.Dims.Count != 4)
            throw Bad(model, $"it is {model.Type.Name()} of {model.Dims.Count} dims, not an image of float32 and 4 dims");
        if (model.Preprocessing.Length > 0) throw Bad(model, $"it was compiled with '{model.Preprocessing}' and takes images so, without a pass");
        if (format.Type is not (ElementType.UInt8 or ElementType.Int8 or ElementType.UInt16 or ElementType.Float16 or ElementType.Float32))
            throw Bad(model, $"images of {format.Type.Name()} are not converted; those of uint8, int8, uint16, float16 and float32 are");
        if (!Enum.IsDefined(format.Layout) || !Enum.IsDefined(format.ModelLayout) || !Enum.IsDefined(format.Channels) || (format.ModelChannels is { } order && !Enum.IsDefined(order)))
            throw Bad(model, "a layout or an order of channels has a value that means nothing");

        int axis = IsPlanarInModel ? 1 : 3;
        long count = model.Dims[axis].IsConstant ? model.Dims[axis].Evaluate([]) : 0;
        if (count is not (1 or 3 or 4)) throw Bad(model, $"{nameof(ImageFormat.ModelLayout)} says that dim {axis} is its channels, which are not 1, 3 or 4");
        Selection = Select(model, (int)count);
        if (format.Mean.Count != 0 && format.Mean.Count != count) throw Bad(model, $"there are {format.Mean.Count} means for {count} channels");
        if (format.Scale.Count != 0 && format.Scale.Count != count) throw Bad(model, $"there are {format.Scale.Count} scales for {count} channels");
        if (!format.Mean.Concat(format.Scale).All(float.IsFinite)) throw Bad(model, "a mean or scale is not finite");
        if (format.Scale.Contains(0)) throw Bad(model, "a scale is zero");

        (SizeExpression n, SizeExpression h, SizeExpression w) = (model.Dims[0], model.Dims[axis == 1 ? 2 : 1], model.Dims[axis == 1 ? 3 : 2]);
        Image = new PlanTensor(model.Name, format.Type, IsPlanar ? [n, Channels, h, w] : [n, h, w, Channels], -1)
        {
            // Numbers of the dims themselves: the strides are the conversion's own.
            Strides = IsPlanar ? [0, 1, 2, -1] : [0, 1, -1, -1],
        };
        int size = format.Type.Size(), step = IsPlanar ? 1 : Channels;
        Gathering = Masks(step, (channel, at) => (((at / size * step) + channel) * size) + (at % size));
        Spreading = new Vector128<byte>[Selection.Length * Selection.Length];
        for (int i = 0; i < Spreading.Length; i++) Spreading[i] = Spread(i / Selection.Length, i % Selection.Length, Selection.Length);
    }

    /// <summary>The input's number.</summary>
    public int Input { get; }

    /// <summary>What was declared.</summary>
    public ImageFormat Format { get; }

    /// <summary>The input as the application has it.</summary>
    public PlanTensor Image { get; }

    /// <summary>How many channels the image has.</summary>
    public int Channels => Letters(Format.Channels).Length;

    /// <summary>For each channel of the model that of the image.</summary>
    public int[] Selection { get; }

    /// <summary>The means of the model's channels; empty for none.</summary>
    public float[] Mean { get; }

    /// <summary>The scales of the model's channels; empty for none.</summary>
    public float[] Scale { get; }

    public bool IsPlanar { get; }

    public bool IsPlanarInModel { get; }

    /// <summary>For each channel of the image, and each of the vectors in which 16 bytes of a channel lie among the others: which byte of it goes where; 128 for none.</summary>
    public Vector128<byte>[] Gathering { get; }

    /// <summary>For each vector of the model's pixels of floats, and each of its channels: which byte of four floats of the channel goes where; 128 for none.</summary>
    public Vector128<byte>[] Spreading { get; }

    /// <summary>The declared inputs of a plan.</summary>
    /// <exception cref="LatheException">LATHE0513: a format does not fit its input.</exception>
    public static DeclaredImage[] Of(Plan plan, IReadOnlyDictionary<string, ImageFormat> formats)
    {
        if (formats.Count == 0) return [];
        foreach (string name in formats.Keys)
        {
            if (!plan.Inputs.Any(input => input.Name == name))
                throw new LatheException(ErrorIds.ImageFormat, $"Model '{plan.Model}' has no input '{name}', for which a format of images is declared; it has {string.Join(", ", plan.Inputs.Select(input => $"'{input.Name}'"))}.");
        }

        List<DeclaredImage> images = [];
        for (int i = 0; i < plan.Inputs.Count; i++)
        {
            if (!formats.TryGetValue(plan.Inputs[i].Name, out ImageFormat? format)) continue;
            images.Add(new DeclaredImage(i, plan.Inputs[i], format ?? throw Bad(plan.Inputs[i], "it is null")));
        }

        return [.. images];
    }

    /// <summary>The shape of the application's images for one of the model's.</summary>
    public long[] ShapeOf(ReadOnlySpan<long> model)
    {
        (long n, long h, long w) = IsPlanarInModel ? (model[0], model[2], model[3]) : (model[0], model[1], model[2]);
        return IsPlanar ? [n, Channels, h, w] : [n, h, w, Channels];
    }

    private int[] Select(PlanTensor model, int count)
    {
        ImageChannels order = Format.ModelChannels ?? (count switch { 1 => ImageChannels.Gray, 3 => ImageChannels.Rgb, _ => ImageChannels.Rgba });
        string wanted = Letters(order), there = Letters(Format.Channels);
        if (wanted.Length != count) throw Bad(model, $"{ImageFormat.Name(order)} does not fit its {count} channels");
        // One channel of gray is red, green and blue alike.
        int[] selection = [.. wanted.Select(letter => there == "Y" && letter != 'A' ? 0 : there.IndexOf(letter))];
        return selection.Contains(-1) ? throw Bad(model, $"{ImageFormat.Name(Format.Channels)} has not the channels of a model that takes {ImageFormat.Name(order)}") : selection;
    }

    private static string Letters(ImageChannels channels) => channels == ImageChannels.Gray ? "Y" : ImageFormat.Name(channels);

    /// <summary>Where each of 16 bytes of each channel comes from.</summary>
    private static Vector128<byte>[] Masks(int channels, Func<int, int, int> source)
    {
        Vector128<byte>[] masks = new Vector128<byte>[channels * channels];
        byte[] bytes = new byte[16];
        for (int i = 0; i < masks.Length; i++)
        {
            for (int at = 0; at < 16; at++) bytes[at] = source(i / channels, at) is var from && from / 16 == i % channels ? (byte)(from % 16) : (byte)128;
            masks[i] = Vector128.Create(bytes);
        }

        return masks;
    }

    private static Vector128<byte> Spread(int vector, int channel, int channels)
    {
        byte[] bytes = new byte[16];
        for (int at = 0; at < 16; at++)
        {
            int element = ((16 * vector) + at) / sizeof(float);
            bytes[at] = element % channels == channel ? (byte)((element / channels * sizeof(float)) + (at % sizeof(float))) : (byte)128;
        }

        return Vector128.Create(bytes);
    }

    private static LatheException Bad(PlanTensor input, string reason) => new(ErrorIds.ImageFormat, $"The format of images that is declared for input '{input.Name}' does not fit: {reason}.");
}
