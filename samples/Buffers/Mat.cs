namespace Buffers;

/// <summary>What an OpenCV <c>Mat</c> of type CV_8UC1 says of itself, by whatever binding: the first pixel, the size, and the bytes from one row to the next.</summary>
internal readonly record struct Mat(nint Data, int Rows, int Cols, nint Step)
{
    /// <summary>Reads the character on it. The pixels stay where they are, and are not copied.</summary>
    public ReadOnlySpan<float> Read(MatReader.Request request)
    {
        // N, H, W, C: the distances of neighbours in elements, which are bytes here. That of the only image does not matter.
        request.BindImage(Data, [0, Step, 1, 1]);
        request.Infer();
        return request.Probabilities;
    }
}
