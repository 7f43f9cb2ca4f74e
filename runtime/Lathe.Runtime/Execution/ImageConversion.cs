using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Execution;

/// <summary>Makes a request's input of an image of a declared format. Used by one thread at a time.</summary>
internal sealed unsafe class ImageConversion
{
    /// <summary>How many pixels are converted before they are put together where the model has its channels side by side.</summary>
    private const int Chunk = 256;

    private readonly DeclaredImage _declared;
    private readonly TensorMemory _model;
    private readonly long[] _strides = new long[4];
    private long _count;
    private long _totalTicks;
    private long _minTicks;

    /// <exception cref="LatheException">LATHE0506: there is not so much memory.</exception>
    public ImageConversion(DeclaredImage declared, TensorMemory model)
    {
        (_declared, _model) = (declared, model);
        Image = new TensorMemory(declared.Image);
        Image.Resize(declared.ShapeOf(model.Shape));
        Image.SetStrides([], _strides);
    }

    /// <summary>The image: what the application fills or binds.</summary>
    public TensorMemory Image { get; }

    /// <summary>Puts the image into the caller's memory, or, for null, into the request's own, and lets go of what it was in before.</summary>
    public void Bind(Binding? binding, ReadOnlySpan<long> strides)
    {
        Binding? old = Image.Bind(binding);
        Image.SetStrides(strides, _strides);
        old?.Dispose();
    }

    /// <summary>Converts the image.</summary>
    public void Run(bool isMeasured)
    {
        long start = isMeasured ? Stopwatch.GetTimestamp() : 0;
        switch (Image.Type)
        {
            case ElementType.UInt8: Convert<byte>(); break;
            case ElementType.Int8: Convert<sbyte>(); break;
            case ElementType.UInt16: Convert<ushort>(); break;
            case ElementType.Float16: Convert<Half>(); break;
            default: Convert<float>(); break;
        }

        if (!isMeasured) return;
        long ticks = Stopwatch.GetTimestamp() - start;
        _minTicks = _count++ == 0 ? ticks : Math.Min(_minTicks, ticks);
        _totalTicks += ticks;
    }

    /// <summary>What was measured.</summary>
    public StepCounter Counter()
    {
        double msPerTick = 1000.0 / Stopwatch.Frequency;
        return new(
            Image.Name, "ConvertImage", "convert_image", "CPU", Isa.Vector128.Name(), "fp32", _declared.Format.ModelLayout == ImageLayout.Nchw ? "NCHW" : "NHWC", 0, (long)Image.Bytes + _model.Bytes, 1,
            _count, _totalTicks * msPerTick, _minTicks * msPerTick);
    }

    private void Convert<T>()
        where T : unmanaged
    {
        if (Image.Bytes == 0) return;
        long[] shape = Image.Shape;
        bool isPlanar = _declared.IsPlanar, isPlanarInModel = _declared.IsPlanarInModel;
        int channels = _declared.Selection.Length, step = isPlanar ? 1 : _declared.Channels;
        (long images, long high, long wide) = isPlanar ? (shape[0], shape[2], shape[3]) : (shape[0], shape[1], shape[2]);
        (long ofImage, long ofPlane, long ofRow) = isPlanar ? (_strides[0], _strides[1], _strides[2]) : (_strides[0], 1, _strides[1]);
        // Rows without gaps are one.
        if (ofRow == wide * step) (high, wide, ofRow) = (1, high * wide, high * ofRow);
        float* to = (float*)_model.Own, parts = stackalloc float[isPlanarInModel ? 0 : Chunk * channels];
        for (long n = 0; n < images; n++)
        {
            for (long y = 0; y < high; y++)
            {
                T* row = (T*)Image.Current + (n * ofImage) + (y * ofRow);
                if (isPlanarInModel)
                {
                    for (int c = 0; c < channels; c++) Channel(row, ofPlane, step, c, to + ((((n * channels) + c) * high * wide) + (y * wide)), wide);
                    continue;
                }

                float* pixels = to + (((n * high) + y) * wide * channels);
                for (long x = 0; x < wide; x += Chunk)
                {
                    int count = (int)Math.Min(Chunk, wide - x);
                    for (int c = 0; c < channels; c++) Channel(row + (x * step), ofPlane, step, c, parts + (c * Chunk), count);
                    Spread(parts, channels, count, pixels + (x * channels));
                }
            }
        }
    }

    /// <summary>Converts one of the model's channels of neighbouring pixels.</summary>
    private void Channel<T>(T* row, long ofPlane, int step, int channel, float* to, long count)
        where T : unmanaged
    {
        int source = _declared.Selection[channel];
        float mean = _declared.Mean is [] ? 0 : _declared.Mean[channel], scale = _declared.Scale is [] ? 1 : _declared.Scale[channel];
        if (step == 1) Convert(row + (source * ofPlane), 1, 0, [], to, count, mean, scale);
        else Convert(row, step, source, _declared.Gathering.AsSpan(source * step, step), to, count, mean, scale);
    }

    private static void Convert<T>(T* pixels, int step, int channel, ReadOnlySpan<Vector128<byte>> gathering, float* to, long count, float mean, float scale)
        where T : unmanaged
    {
        int block = Vector128<byte>.Count / sizeof(T);
        if (count < block)
        {
            for (long i = 0; i < count; i++) to[i] = (Widen(pixels[(i * step) + channel]) - mean) / scale;
            return;
        }

        Vector128<float> means = Vector128.Create(mean), scales = Vector128.Create(scale);
        // The last block ends with the row, and may repeat some of the one before.
        for (long i = 0, last = count - block; ; i = Math.Min(i + block, last))
        {
            byte* from = (byte*)(pixels + (i * step));
            Vector128<byte> elements = Vector128.Load(from);
            if (step > 1)
            {
                elements = Shuffle(elements, gathering[0]);
                for (int k = 1; k < gathering.Length; k++) elements |= Shuffle(Vector128.Load(from + (16 * k)), gathering[k]);
            }

            Store<T>(elements, means, scales, to + i);
            if (i == last) return;
        }
    }

    /// <summary>Puts the channels of pixels side by side.</summary>
    private void Spread(float* parts, int channels, int count, float* to)
    {
        int x = 0;
        for (; x + 4 <= count; x += 4)
        {
            for (int vector = 0; vector < channels; vector++)
            {
                Vector128<byte> pixels = default;
                for (int c = 0; c < channels; c++) pixels |= Shuffle(Vector128.Load((byte*)(parts + (c * Chunk) + x)), _declared.Spreading[(vector * channels) + c]);
                pixels.AsSingle().Store(to + (x * channels) + (4 * vector));
            }
        }

        for (; x < count; x++)
            for (int c = 0; c < channels; c++) to[(x * channels) + c] = parts[(c * Chunk) + x];
    }

    /// <summary>Bytes by their numbers; zeros for 128.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Shuffle(Vector128<byte> bytes, Vector128<byte> numbers) =>
        Ssse3.IsSupported ? Ssse3.Shuffle(bytes, numbers) : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.VectorTableLookup(bytes, numbers) : Vector128.Shuffle(bytes, numbers);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<T>(Vector128<byte> elements, Vector128<float> mean, Vector128<float> scale, float* to)
    {
        if (typeof(T) == typeof(float))
        {
            Store(elements.AsSingle(), mean, scale, to);
        }
        else if (typeof(T) == typeof(byte))
        {
            (Vector128<ushort> low, Vector128<ushort> high) = Vector128.Widen(elements);
            StoreWords<T>(low, mean, scale, to);
            StoreWords<T>(high, mean, scale, to + 8);
        }
        else if (typeof(T) == typeof(sbyte))
        {
            (Vector128<short> low, Vector128<short> high) = Vector128.Widen(elements.AsSByte());
            Store(Vector128.ConvertToSingle(Vector128.WidenLower(low)), mean, scale, to);
            Store(Vector128.ConvertToSingle(Vector128.WidenUpper(low)), mean, scale, to + 4);
            Store(Vector128.ConvertToSingle(Vector128.WidenLower(high)), mean, scale, to + 8);
            Store(Vector128.ConvertToSingle(Vector128.WidenUpper(high)), mean, scale, to + 12);
        }
        else
        {
            StoreWords<T>(elements.AsUInt16(), mean, scale, to);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreWords<T>(Vector128<ushort> values, Vector128<float> mean, Vector128<float> scale, float* to)
    {
        (Vector128<uint> low, Vector128<uint> high) = Vector128.Widen(values);
        Store(typeof(T) == typeof(Half) ? OfHalf(low) : Vector128.ConvertToSingle(low.AsInt32()), mean, scale, to);
        Store(typeof(T) == typeof(Half) ? OfHalf(high) : Vector128.ConvertToSingle(high.AsInt32()), mean, scale, to + 4);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector128<float> values, Vector128<float> mean, Vector128<float> scale, float* to) => ((values - mean) / scale).Store(to);

    /// <summary>Numbers of 16 bits as floats, by whole numbers where they are denormal: the thread may flush denormals.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> OfHalf(Vector128<uint> bits)
    {
        Vector128<uint> magnitude = bits & Vector128.Create(0x7fffu), bias = Vector128.Create(112u << 23);
        Vector128<uint> normal = Vector128.ShiftLeft(magnitude, 13) + bias;
        normal += Vector128.GreaterThan(magnitude.AsInt32(), Vector128.Create(0x7bff)).AsUInt32() & bias;
        Vector128<float> small = Vector128.ConvertToSingle(magnitude.AsInt32()) * Vector128.Create(1f / (1 << 24));
        Vector128<uint> value = Vector128.ConditionalSelect(Vector128.LessThan(magnitude.AsInt32(), Vector128.Create(0x400)).AsUInt32(), small.AsUInt32(), normal);
        return (value | Vector128.ShiftLeft(bits & Vector128.Create(0x8000u), 16)).AsSingle();
    }

    private static float Widen<T>(T value)
        where T : unmanaged => typeof(T) == typeof(byte) ? Unsafe.BitCast<T, byte>(value)
            : typeof(T) == typeof(sbyte) ? Unsafe.BitCast<T, sbyte>(value)
            : typeof(T) == typeof(ushort) ? Unsafe.BitCast<T, ushort>(value)
            : typeof(T) == typeof(Half) ? (float)Unsafe.BitCast<T, Half>(value)
            : Unsafe.BitCast<T, float>(value);
}
