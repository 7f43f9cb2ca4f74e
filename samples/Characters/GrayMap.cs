using System.Globalization;
using System.Text;

namespace Characters;

/// <summary>A grey image of one byte a pixel, as binary PGM files hold it.</summary>
internal sealed record GrayMap(int Width, int Height, byte[] Pixels)
{
    /// <summary>Reads a binary PGM file ("P5").</summary>
    public static GrayMap Read(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        int at = 0;
        if (Word() != "P5") throw new InvalidDataException($"'{path}' is no binary PGM file.");
        int width = Number(), height = Number(), white = Number();
        byte[] pixels = file[at..];
        return white == 255 && pixels.Length == width * height
            ? new(width, height, pixels)
            : throw new InvalidDataException($"'{path}' is not an image of {width} x {height} bytes.");

        int Number() => int.Parse(Word(), CultureInfo.InvariantCulture);

        string Word()
        {
            int end = Array.FindIndex(file, at, c => c is (byte)' ' or (byte)'\n' or (byte)'\t' or (byte)'\r');
            string word = Encoding.ASCII.GetString(file, at, end - at);
            at = end + 1;
            return word;
        }
    }
}
