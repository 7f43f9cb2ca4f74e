using Detector;
using Lathe.Compiler.Graph;
using Lathe.Compiler.Onnx;
using Lathe.Runtime;
using Lathe.Runtime.Plans;
using ModelGraph = Lathe.Compiler.Graph.Graph;

namespace Lathe.Compiler.Tests;

/// <summary>
/// The way of the sample Detector: a camera's frame, BGRA with padded rows, letterboxed into a detector, its boxes mapped back; against the same written out in float64 around the model as it is.
/// </summary>
internal sealed class CameraFrameTests
{
    private const int Size = 416;

    [TestCase(832, 600)]
    [TestCase(500, 832)]
    [TestCase(416, 416)]
    public unsafe void Frame_OfAnySize_GivesTheBoxesOfTheReference(int width, int height)
    {
        string folder = Places.Shared("models", "yolox_nano"), model = Path.Combine(folder, "model.onnx");
        TensorData photograph = OnnxFrontEnd.ReadTensor(Path.Combine(folder, "test_data_set_0", "input_0.pb")).Data;
        using Frame frame = Photograph(photograph, width, height);
        Isa isa = Enum.GetValues<Isa>().Where(i => i.IsAvailable()).Max();
        CompileOptions options = new()
        {
            InputFormats = new Dictionary<string, InputFormat> { [""] = InputFormat.Parse("u8,NHWC,BGRA,model=BGR") },
            Resizing = new Dictionary<string, Resizing> { [""] = Resizing.Parse("letterbox,fill=114").Way },
        };

        using CompiledGraph compiled = new(Read(model), isa: isa, options: options, dims: new Dictionary<string, long> { ["height"] = height, ["width"] = width });
        compiled.Request.BindInput("images", frame.Data, [0, frame.Stride, Frame.Channels, 1]);
        compiled.Request.Infer();
        float[] actual = compiled.Request.Output<float>(0).ToArray();
        Assert.That(compiled.Steps.Count(s => s.StartsWith("ResizeRows_ResizeColumns", StringComparison.Ordinal)), Is.EqualTo(1), "one step reads, converts and letterboxes");

        (TensorData input, double scale, int left, int top) = Letterboxed(frame);
        using CompiledGraph plain = new(Read(model), isa: isa);
        TensorData expected = plain.Run(input)[0];
        // The input is rounded to float32 twice, in another order, of values up to 255: what a deep network makes of that.
        Tensors.AssertClose(TensorData.OfFloats(actual, [.. expected.Dims]), expected, 1e-4);

        IReadOnlyList<Detection> found = Detections.Of(actual, ImageMap.Letterbox(width, height, Size, Size)), reference = [.. Reference(expected, scale, left, top, width, height)];
        Assert.That(found, Is.Not.Empty);
        foreach (Detection detection in found)
        {
            Detection nearest = reference.Where(r => r.Class == detection.Class).MinBy(r => Distance(r, detection));
            Assert.That(Distance(nearest, detection), Is.LessThan(0.05), $"{detection} in pixels of the frame");
            Assert.That(detection.Score, Is.EqualTo(nearest.Score).Within(1e-3));
        }

        static double Distance(Detection a, Detection b) =>
            Math.Max(Math.Max(Math.Abs(a.Left - b.Left), Math.Abs(a.Top - b.Top)), Math.Max(Math.Abs(a.Right - b.Right), Math.Abs(a.Bottom - b.Bottom)));
    }

    private static ModelGraph Read(string model) => OnnxFrontEnd.Read(model, new CompileOptions()).Graph!;

    /// <summary>A frame with what the photograph shows, twice as large, as far as it fits; between the rows there is what is no pixel.</summary>
    private static unsafe Frame Photograph(TensorData photograph, int width, int height)
    {
        Frame frame = new(width, height);
        new Span<byte>((void*)frame.Data, frame.Stride * height).Fill(0xEE);
        for (int row = 0; row < height; row++)
        {
            for (int column = 0; column < width; column++)
            {
                for (int channel = 0; channel < 3; channel++)
                    frame.Row(row)[(4 * column) + channel] = (byte)photograph.GetDouble((((channel * Size) + (row / 2)) * Size) + (column / 2));
                frame.Row(row)[(4 * column) + 3] = 255;
            }
        }

        return frame;
    }

    /// <summary>What a user would write: the largest size that fits, rounded, in the middle of 114; the planes blue, green and red.</summary>
    private static (TensorData Input, double Scale, int Left, int Top) Letterboxed(Frame frame)
    {
        double scale = Math.Min((double)Size / frame.Width, (double)Size / frame.Height);
        int width = (int)Math.Round(frame.Width * scale), height = (int)Math.Round(frame.Height * scale), left = (Size - width) / 2, top = (Size - height) / 2;
        TensorData input = TensorData.Zeros(ElementType.Float32, [1, 3, Size, Size]);
        for (int i = 0; i < input.Count; i++) input.SetDouble(i, 114);
        for (int row = 0; row < height; row++)
        {
            for (int column = 0; column < width; column++)
            {
                double y = Math.Clamp(((row + 0.5) * frame.Height / height) - 0.5, 0, frame.Height - 1), x = Math.Clamp(((column + 0.5) * frame.Width / width) - 0.5, 0, frame.Width - 1);
                (int above, int before) = ((int)y, (int)x);
                for (int channel = 0; channel < 3; channel++)
                {
                    double upper = At(above, before) + ((At(above, before + 1) - At(above, before)) * (x - before)), lower = At(above + 1, before) + ((At(above + 1, before + 1) - At(above + 1, before)) * (x - before));
                    input.SetDouble((((channel * Size) + row + top) * Size) + column + left, upper + ((lower - upper) * (y - above)));

                    double At(int r, int c) => frame.Row(Math.Min(r, frame.Height - 1))[(4 * Math.Min(c, frame.Width - 1)) + channel];
                }
            }
        }

        return (input, scale, left, top);
    }

    /// <summary>All boxes of the model's output, in pixels of the frame.</summary>
    private static IEnumerable<Detection> Reference(TensorData output, double scale, int left, int top, int width, int height)
    {
        int at = 0;
        foreach (int stride in (int[])[8, 16, 32])
        {
            for (int row = 0; row < Size / stride; row++)
            {
                for (int column = 0; column < Size / stride; column++, at += 85)
                {
                    double[] cell = [.. Enumerable.Range(at, 85).Select(output.GetDouble)];
                    int best = Enumerable.Range(0, 80).MaxBy(c => cell[5 + c]);
                    double x = (cell[0] + column) * stride, y = (cell[1] + row) * stride, w = Math.Exp(cell[2]) * stride / 2, h = Math.Exp(cell[3]) * stride / 2;
                    yield return new(best, cell[4] * cell[5 + best], Across(x - w), Down(y - h), Across(x + w), Down(y + h));
                }
            }
        }

        double Across(double x) => Math.Clamp((x - left) / scale, 0, width);
        double Down(double y) => Math.Clamp((y - top) / scale, 0, height);
    }
}
