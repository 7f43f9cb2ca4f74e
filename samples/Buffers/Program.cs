using System.Globalization;
using System.Runtime.InteropServices;
using Buffers;
using Characters;

// Reads the characters on images that lie in the memory of other libraries: an OpenCV Mat, and a frame of a video decoder.
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
string home = AppContext.BaseDirectory;
string[] labels = File.ReadAllLines(Path.Combine(home, "labels.txt"));
using MatReader ofMats = MatReader.Load();
using FrameReader ofFrames = FrameReader.Load();

Console.WriteLine("image      as a Mat      as a frame");
foreach (string path in Directory.GetFiles(Path.Combine(home, "demo"), "*.pgm").Order(StringComparer.Ordinal))
{
    GrayMap image = GrayMap.Read(path);
    using MatReader.Request mat = ofMats.CreateRequest(n: 1, height: image.Height, width: image.Width);
    using FrameReader.Request frame = ofFrames.CreateRequest(n: 1, height: image.Height, width: image.Width);

    // Rows of a Mat that is a part of a larger one are as far apart as those of the whole; a decoder pads them for its vectors.
    nint rows = Padded(image, 100), luma = Padded(image, 128);
    string asMat = Best(new Mat(rows, image.Height, image.Width, 100).Read(mat));
    string asFrame = Best(new DecodedFrame([luma, 0, 0], [128, 64, 64], image.Width, image.Height).Read(frame));
    Console.WriteLine($"{Path.GetFileName(path),-10} {asMat,-13} {asFrame}");
    Free(rows);
    Free(luma);
}

string Best(ReadOnlySpan<float> probabilities)
{
    int best = 0;
    for (int i = 1; i < probabilities.Length; i++)
        if (probabilities[i] > probabilities[best]) best = i;
    return $"{labels[best]} {probabilities[best]:P1}";
}

// The memory of another library: rows a stride apart, and between them what is no pixel.
static unsafe nint Padded(GrayMap image, int stride)
{
    byte* memory = (byte*)NativeMemory.Alloc((nuint)(stride * image.Height));
    new Span<byte>(memory, stride * image.Height).Fill(0xEE);
    for (int row = 0; row < image.Height; row++) image.Pixels.AsSpan(row * image.Width, image.Width).CopyTo(new Span<byte>(memory + (row * stride), image.Width));
    return (nint)memory;
}

static unsafe void Free(nint memory) => NativeMemory.Free((void*)memory);
