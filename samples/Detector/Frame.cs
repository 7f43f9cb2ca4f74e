using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Detector;

/// <summary>A frame as cameras and decoders give it: native memory, four bytes a pixel in the order BGRA, each row padded to a multiple of 64 bytes and 64 more.</summary>
internal sealed unsafe class Frame(int width, int height) : IDisposable
{
    /// <summary>Bytes of a pixel.</summary>
    public const int Channels = 4;

    public int Width => width;

    public int Height => height;

    /// <summary>Bytes from one row to the next.</summary>
    public int Stride { get; } = (((width * Channels) + 63) / 64 * 64) + 64;

    /// <summary>The first pixel.</summary>
    public nint Data { get; private set; } = (nint)NativeMemory.Alloc((nuint)(((((width * Channels) + 63) / 64 * 64) + 64) * height));

    /// <summary>A row's bytes, without those behind it.</summary>
    public Span<byte> Row(int row) => new((byte*)Data + ((nint)row * Stride), width * Channels);

    /// <summary>Reads a binary PPM file ("P6").</summary>
    public static Frame Read(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        int at = 0;
        if (Word() != "P6") throw new InvalidDataException($"'{path}' is no binary PPM file.");
        int width = Number(), height = Number(), white = Number();
        if (white != 255 || file.Length - at != width * height * 3) throw new InvalidDataException($"'{path}' is not an image of {width} x {height} pixels of three bytes.");
        Frame frame = new(width, height);
        for (int row = 0; row < height; row++)
        {
            Span<byte> pixels = frame.Row(row);
            for (int i = 0; i < width; i++, at += 3) (pixels[4 * i], pixels[(4 * i) + 1], pixels[(4 * i) + 2], pixels[(4 * i) + 3]) = (file[at + 2], file[at + 1], file[at], 255);
        }

        return frame;

        int Number() => int.Parse(Word(), CultureInfo.InvariantCulture);

        string Word()
        {
            int end = Array.FindIndex(file, at, c => c is (byte)' ' or (byte)'\n' or (byte)'\t' or (byte)'\r');
            string word = Encoding.ASCII.GetString(file, at, end - at);
            at = end + 1;
            return word;
        }
    }

    public void Dispose()
    {
        NativeMemory.Free((void*)Data);
        Data = 0;
    }
}
