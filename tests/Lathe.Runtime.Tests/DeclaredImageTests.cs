using System.Runtime.InteropServices;
using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Tests;

public sealed class DeclaredImageTests
{
    private static readonly ElementType[] Types = [ElementType.UInt8, ElementType.Int8, ElementType.UInt16, ElementType.Float16, ElementType.Float32];

    [Test]
    public unsafe void Random_FormatsAndStrides_EqualTheConversionInFloat64()
    {
        Random random = new(5);
        for (int test = 0; test < 1500; test++)
        {
            ImageFormat format = RandomFormat(random, out int channels);
            (int n, int h, int w) = (random.Next(1, 3), random.Next(1, 6), random.Next(8) == 0 ? random.Next(200, 600) : random.Next(1, 60));
            using CompiledModel model = Load(format, n, channels, h, w);
            using InferRequest request = model.CreateRequest();
            (bool isPlanar, int inMemory) = (format.Layout == ImageLayout.Nchw, Letters(format.Channels).Length);
            Assert.That(request.InputShape("x").ToArray(), Is.EqualTo(isPlanar ? new long[] { n, inMemory, h, w } : [n, h, w, inMemory]));

            // Rows, planes and images further apart than they are long, or all in the request's own memory.
            bool isBound = random.Next(4) > 0;
            int Gap(int longest) => isBound && random.Next(2) > 0 ? random.Next(longest) : 0;
            long row = (isPlanar ? w : w * inMemory) + Gap(9), plane = isPlanar ? (row * h) + Gap(20) : 1, image = (isPlanar ? plane * inMemory : row * h) + Gap(30);
            long[] strides = isPlanar ? [image, plane, row, 1] : [image, row, inMemory, 1];
            int size = format.Type.Size(), count = (int)(image * n);
            byte* memory = (byte*)NativeMemory.AlignedAlloc((nuint)(count * size), 64);
            try
            {
                Fill(new Span<byte>(memory, count * size), format.Type, random);
                if (isBound) request.BindInput("x", (nint)memory, strides);
                else new Span<byte>(memory, count * size).CopyTo(request.InputBytes(0));
                if (random.Next(2) == 0) request.Infer();
                else
                {
                    request.StartAsync();
                    request.Wait();
                }

                ReadOnlySpan<float> actual = request.Output<float>("y");
                for (int i = 0; i < actual.Length; i++)
                {
                    (int at, int c, int y, int x) = format.ModelLayout == ImageLayout.Nchw
                        ? (i / w / h / channels, i / w / h % channels, i / w % h, i % w)
                        : (i / channels / w / h, i % channels, i / channels / w % h, i / channels % w);
                    long place = (at * image) + (SourceOf(format, channels, c) * (isPlanar ? plane : 1)) + (y * row) + (x * (isPlanar ? 1 : inMemory));
                    double value = Read(memory, format.Type, place), mean = format.Mean.Count > 0 ? format.Mean[c] : 0, scale = format.Scale.Count > 0 ? format.Scale[c] : 1;
                    double expected = (value - mean) / scale, bound = 1.2e-7 * Math.Abs(expected);
                    if (!(Math.Abs(actual[i] - expected) <= bound) && !(double.IsNaN(expected) && float.IsNaN(actual[i])) && actual[i] != expected)
                        Assert.Fail($"{format} of {n}x{h}x{w} at {string.Join(',', strides)}: element {i} is {actual[i]:R}, not {expected:R}");
                }
            }
            finally
            {
                NativeMemory.AlignedFree(memory);
            }
        }
    }

    /// <summary>The last row ends where readable memory does: what read further would end the process.</summary>
    [Test]
    public unsafe void Rows_AreNotReadBeyondTheirEnd()
    {
        if (!OperatingSystem.IsLinux()) Assert.Ignore("mmap as Linux has it");
        int page = Environment.SystemPageSize;
        byte* start = (byte*)MapMemory(null, (nuint)(2 * page), 3, 0x22, -1, 0);
        Assert.That((nint)start, Is.Not.EqualTo((nint)(-1)));
        try
        {
            Assert.That(ProtectMemory(start + page, (nuint)page, 0), Is.Zero);
            Random random = new(6);
            for (int test = 0; test < 400; test++)
            {
                ImageFormat format = RandomFormat(random, out int channels);
                (int h, int w, int inMemory) = (random.Next(1, 3), random.Next(1, 40), Letters(format.Channels).Length);
                using CompiledModel model = Load(format, 1, channels, h, w);
                using InferRequest request = model.CreateRequest();
                long bytes = (long)h * w * inMemory * format.Type.Size();
                new Span<byte>(start + page - bytes, (int)bytes).Clear();
                request.BindInput("x", (nint)(start + page - bytes));
                request.Infer();
                float expected = (0 - (format.Mean.Count > 0 ? format.Mean[0] : 0)) / (format.Scale.Count > 0 ? format.Scale[0] : 1);
                Assert.That(request.Output<float>("y")[0], Is.EqualTo(expected), $"{format}");
            }
        }
        finally
        {
            _ = UnmapMemory(start, (nuint)(2 * page));
        }
    }

    [Test]
    public void Half_AllNumbers_AreExact([Values(1, 65536)] int width)
    {
        ImageFormat format = new() { Type = ElementType.Float16, Channels = ImageChannels.Gray };
        using CompiledModel model = Load(format, 65536 / width, 1, 1, width);
        using InferRequest request = model.CreateRequest();
        Span<Half> image = request.Input<Half>("x");
        for (int i = 0; i < image.Length; i++) image[i] = BitConverter.UInt16BitsToHalf((ushort)i);
        request.Infer();
        ReadOnlySpan<float> actual = request.Output<float>("y");
        for (int i = 0; i < actual.Length; i++)
        {
            float expected = (float)BitConverter.UInt16BitsToHalf((ushort)i);
            if (!actual[i].Equals(expected)) Assert.Fail($"{i:x}: {actual[i]:R}, not {expected:R}");
        }
    }

    [Test]
    public void Info_And_Ran_SayWhatIsConverted()
    {
        ImageFormat format = new() { Channels = ImageChannels.Bgra, Mean = [1, 2, 3] };
        using CompiledModel model = Load(format, 2, 3, 4, 5, profiling: true);
        TensorInfo input = model.Info.Inputs[0];
        Assert.That(input.ToString(), Is.EqualTo("x: uint8[2,4,5,4]"));
        Assert.That(input.ConvertedFrom!.ToString(), Is.EqualTo("u8,NHWC,BGRA; mean 1,2,3"));
        Assert.That(input.Strided, Is.EqualTo(new[] { 0, 1 }));
        Assert.That(input.Preprocessing, Is.Empty);
        using InferRequest request = model.CreateRequest();
        Assert.That(request.Ran.Conversions, Is.Empty);
        request.Infer();
        request.Infer();
        Assert.That(request.Ran.Conversions, Is.EqualTo(new[] { "x" }));
        StepCounter first = request.Counters[0];
        Assert.That((first.Node, first.Op, first.Count, first.Bytes), Is.EqualTo(("x", "ConvertImage", 2L, (2 * 20 * 4L) + (2 * 20 * 3 * 4))));
        Assert.That(request.Counters, Has.Count.EqualTo(2));
        using CompiledModel plain = CompiledModel.Create(new TestModule(Plan(2, 3, 4, 5), PlanBuilder.Factor(1)));
        Assert.That(plain.Info.Inputs[0].ConvertedFrom, Is.Null);
    }

    [Test]
    public void Declaration_IsCopied()
    {
        float[] mean = [1];
        ImageFormat format = new() { Channels = ImageChannels.Gray, Mean = mean };
        using CompiledModel model = Load(format, 1, 1, 3, 40);
        using InferRequest request = model.CreateRequest();
        mean[0] = 7;
        request.Input<byte>("x").Fill(9);
        request.Infer();
        Assert.That(request.Output<float>("y").ToArray(), Is.All.EqualTo(8f));
    }

    [Test]
    public void Inference_OfAnyFormat_AllocatesNothing([Values] ImageLayout layout, [Values] ImageLayout modelLayout, [Values] bool profiling)
    {
        foreach (ElementType type in Types)
        {
            ImageFormat format = new() { Type = type, Layout = layout, ModelLayout = modelLayout, Channels = ImageChannels.Bgra, Mean = [1, 2, 3], Scale = [4, 5, 6] };
            using CompiledModel model = Load(format, 2, 3, 5, 40, profiling);
            using InferRequest request = model.CreateRequest();
            request.Infer();
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 10; i++) request.Infer();
            Assert.That(GC.GetAllocatedBytesForCurrentThread(), Is.EqualTo(before), $"{format}");
        }
    }

    [Test]
    public unsafe void Memory_IsHeldAgainstTheImage()
    {
        using CompiledModel model = Load(new ImageFormat { Type = ElementType.UInt16 }, 1, 3, 4, 5);
        using InferRequest request = model.CreateRequest();
        Assert.That(() => request.Input<float>("x"), Throws.ArgumentException.With.Message.Contain("uint16"));
        Assert.That(() => request.BindInput("x", 1), Throws.ArgumentException.With.Message.Contain("aligned"));
        ushort[] image = new ushort[60];
        Assert.That(() => request.BindInput<ushort>("x", image, [60, 14, 3, 1]), Throws.ArgumentException.With.Message.Contain("overlap"));
        Assert.That(() => request.BindInput<ushort>("x", image, [100, 20, 4, 1]), Throws.ArgumentException.With.Message.Contain("dim 2"));
        Assert.That(() => request.BindInput<ushort>("x", new ushort[59]), Throws.ArgumentException.With.Message.Contain("60 elements"));
        image.AsSpan().Fill(3);
        request.BindInput<ushort>("x", image);
        fixed (ushort* pointer = image)
        {
            nint at = (nint)pointer;
            Assert.That(() => request.BindOutput("y", at, 240), Throws.ArgumentException.With.Message.Contain("'x'"));
        }

        request.Infer();
        Assert.That(request.Output<float>("y").ToArray(), Is.All.EqualTo(3f));
        request.UnbindInput("x");
        request.Infer();
        Assert.That(request.Output<float>("y").ToArray(), Is.All.EqualTo(0f));
    }

    [Test]
    public void Pool_GivesBackMemory_AndDimsAreTheRequests()
    {
        PlanBuilder b = new();
        SizeExpression h = b.Symbol("H", 1, 100, 2), count = PlanBuilder.Times(h, 15);
        b.Steps.Add(b.Step("copy", b.Kernel(TestKernels.Scale), [count], b.Output("y", 1, 3, h, 5), b.Input("x", 1, 3, h, 5), b.Weights(0, 4)) with { Buffers = [0, 1, 2] });
        using CompiledModel model = CompiledModel.Create(new TestModule(b.Build(), PlanBuilder.Factor(1)), new LatheOptions { InputFormats = new Dictionary<string, ImageFormat> { ["x"] = new() } });
        using InferRequest large = model.CreateRequest(new Dictionary<string, long> { ["H"] = 7 });
        Assert.That(large.InputShape("x").ToArray(), Is.EqualTo(new long[] { 1, 7, 5, 3 }));
        Assert.That(large.Input<byte>("x").Length, Is.EqualTo(105));
        Assert.That(model.Info.Inputs[0].ToString(), Is.EqualTo("x: uint8[1,H,5,3]"));
        InferRequest rented = model.Rent();
        rented.BindInput<byte>("x", new byte[30]);
        rented.Dispose();
        using InferRequest again = model.Rent();
        Assert.That(again, Is.SameAs(rented));
        again.Input<byte>("x").Fill(4);
        again.Infer();
        Assert.That(again.Output<float>("y").ToArray(), Is.All.EqualTo(4f));
    }

    private static readonly TestCaseData[] BadFormats =
    [
        new("y", new ImageFormat(), "no input 'y'"),
        new("x", null, "null"),
        new("x", new ImageFormat { Mean = [1, 2] }, "2 means for 3 channels"),
        new("x", new ImageFormat { Scale = [1] }, "1 scales for 3 channels"),
        new("x", new ImageFormat { Scale = [1, 0, 2] }, "zero"),
        new("x", new ImageFormat { Mean = [1, float.NaN, 2] }, "not finite"),
        new("x", new ImageFormat { Type = ElementType.Int32 }, "int32"),
        new("x", new ImageFormat { Layout = (ImageLayout)5 }, "means nothing"),
        new("x", new ImageFormat { Channels = (ImageChannels)(-1) }, "means nothing"),
        new("x", new ImageFormat { ModelLayout = ImageLayout.Nhwc }, "dim 3"),
        new("x", new ImageFormat { ModelChannels = ImageChannels.Rgba }, "does not fit its 3 channels"),
        new("x", new ImageFormat { ModelChannels = ImageChannels.Gray }, "does not fit its 3 channels"),
        new("bytes", new ImageFormat(), "not an image"),
        new("row", new ImageFormat(), "not an image"),
        new("gray", new ImageFormat(), "RGB has not the channels of a model that takes GRAY"),
        new("alpha", new ImageFormat { Channels = ImageChannels.Gray }, "GRAY has not the channels of a model that takes RGBA"),
        new("baked", new ImageFormat(), "u8,NHWC,RGB"),
    ];

    [TestCaseSource(nameof(BadFormats))]
    public void Declaration_ThatDoesNotFit_IsRefused(string input, ImageFormat? format, string reason)
    {
        PlanBuilder b = new();
        b.Input("x", 1, 3, 2, 5);
        b.Input("bytes", ElementType.UInt8, 1, 3, 2, 5);
        b.Input("row", 3, 5);
        b.Input("gray", 1, 1, 2, 5);
        b.Input("alpha", 1, 4, 2, 5);
        b.Input("baked", 1, 3, 2, 5);
        Plan plan = b.Build();
        plan = plan with { Inputs = [.. plan.Inputs.Select(t => t.Name == "baked" ? t with { Preprocessing = "u8,NHWC,RGB" } : t)] };
        LatheException failure = Assert.Throws<LatheException>(() =>
            CompiledModel.Create(new TestModule(plan), new LatheOptions { InputFormats = new Dictionary<string, ImageFormat> { [input] = format! } }))!;
        Assert.That(failure.Id, Is.EqualTo("LATHE0513"));
        Assert.That(failure.Message, Does.Contain($"'{input}'").And.Contain(reason));
    }

    [Test]
    public void Lists_MayNotBeNull()
    {
        Assert.That(() => new ImageFormat { Mean = null! }, Throws.ArgumentNullException);
        Assert.That(() => new ImageFormat { Scale = null! }, Throws.ArgumentNullException);
    }

    private static CompiledModel Load(ImageFormat format, int n, int channels, int h, int w, bool profiling = false)
    {
        Plan plan = format.ModelLayout == ImageLayout.Nchw ? Plan(n, channels, h, w) : Plan(n, h, w, channels);
        return CompiledModel.Create(
            new TestModule(plan, PlanBuilder.Factor(1)),
            new LatheOptions { InputFormats = new Dictionary<string, ImageFormat> { ["x"] = format }, Profiling = profiling, Threads = 1, FlushDenormals = false });
    }

    /// <summary>y = x.</summary>
    private static Plan Plan(long a, long b, long c, long d)
    {
        PlanBuilder plan = new();
        int x = plan.Input("x", a, b, c, d), y = plan.Output("y", a, b, c, d), one = plan.Weights(0, 4);
        plan.Steps.Add(plan.Step("copy", plan.Kernel(TestKernels.Scale), [a * b * c * d], y, x, one));
        return plan.Build();
    }

    private static ImageFormat RandomFormat(Random random, out int channels)
    {
        while (true)
        {
            channels = new[] { 1, 3, 4 }[random.Next(3)];
            ImageChannels image = (ImageChannels)random.Next(5), model = (ImageChannels)random.Next(5);
            if (Letters(model).Length != channels) continue;
            bool isDefault = model is ImageChannels.Gray or ImageChannels.Rgb or ImageChannels.Rgba;
            if (Letters(model).Any(letter => !Letters(image).Contains(letter) && (image != ImageChannels.Gray || letter == 'A'))) continue;
            int count = channels;
            return new ImageFormat
            {
                Type = Types[random.Next(5)],
                Layout = (ImageLayout)random.Next(2),
                Channels = image,
                ModelLayout = (ImageLayout)random.Next(2),
                ModelChannels = isDefault && random.Next(2) == 0 ? null : model,
                // Whole numbers, whose differences from those of images are exact.
                Mean = random.Next(3) == 0 ? [] : [.. Enumerable.Range(0, count).Select(_ => (float)random.Next(-20, 200))],
                Scale = random.Next(3) == 0 ? [] : [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() + 0.1f) * (random.Next(2) == 0 ? 100 : -1))],
            };
        }
    }

    private static string Letters(ImageChannels channels) => channels == ImageChannels.Gray ? "Y" : $"{channels}".ToUpperInvariant();

    private static int SourceOf(ImageFormat format, int channels, int channel)
    {
        ImageChannels model = format.ModelChannels ?? (channels switch { 1 => ImageChannels.Gray, 3 => ImageChannels.Rgb, _ => ImageChannels.Rgba });
        return format.Channels == ImageChannels.Gray ? 0 : Letters(format.Channels).IndexOf(Letters(model)[channel]);
    }

    private static void Fill(Span<byte> memory, ElementType type, Random random)
    {
        random.NextBytes(memory);
        // Quarters, whose differences from whole numbers are exact in float32.
        if (type == ElementType.Float16) foreach (ref Half value in MemoryMarshal.Cast<byte, Half>(memory)) value = (Half)(random.Next(-1000, 1000) / 4f);
        if (type == ElementType.Float32) foreach (ref float value in MemoryMarshal.Cast<byte, float>(memory)) value = random.Next(-1000, 1000) / 4f;
    }

    private static unsafe double Read(byte* memory, ElementType type, long at) => type switch
    {
        ElementType.UInt8 => memory[at],
        ElementType.Int8 => ((sbyte*)memory)[at],
        ElementType.UInt16 => ((ushort*)memory)[at],
        ElementType.Float16 => (double)((Half*)memory)[at],
        _ => ((float*)memory)[at],
    };

    [DllImport("libc", EntryPoint = "mmap")]
    private static extern unsafe void* MapMemory(void* address, nuint bytes, int protection, int flags, int file, nint offset);

    [DllImport("libc", EntryPoint = "mprotect")]
    private static extern unsafe int ProtectMemory(void* address, nuint bytes, int protection);

    [DllImport("libc", EntryPoint = "munmap")]
    private static extern unsafe int UnmapMemory(void* address, nuint bytes);
}
