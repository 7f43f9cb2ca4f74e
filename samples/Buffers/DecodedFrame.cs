namespace Buffers;

/// <summary>
/// What a decoder such as FFmpeg's gives: planes of their own for luma and for the two chromas, each with its line size, which is its width and some padding (an <c>AVFrame</c> of YUV420P).
/// </summary>
internal readonly record struct DecodedFrame(nint[] Data, int[] LineSize, int Width, int Height)
{
    /// <summary>Reads the character on it. Its luma is a grey image; it stays where it is, and is not copied.</summary>
    public ReadOnlySpan<float> Read(FrameReader.Request request)
    {
        // N, C, H, W: that of the only image and of the only plane do not matter.
        request.BindImage(Data[0], [0, 0, LineSize[0], 1]);
        request.Infer();
        return request.Probabilities;
    }
}
