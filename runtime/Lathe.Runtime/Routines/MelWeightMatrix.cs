namespace Lathe.Runtime.Routines;

/// <summary>
/// How much each bin of a spectrum counts for each band of mels. Operands: the number of bands, the length of the transform, the sample rate (integer
/// scalars), the lowest and the highest frequency (float scalars); y [bins, bands].
/// </summary>
internal static class MelWeightMatrix
{
    public static void Run(RoutineCall call)
    {
        RoutineTensor y = call[5];
        long rows = y.Dims[0], bands = y.Dims[1], length = call[1].Integer(0), rate = call[2].Integer(0);
        double low = Mel(call[3].Real(0)), step = (Mel(call[4].Real(0)) - low) / (bands + 2);
        y.Clear();
        for (long band = 0; band < bands; band++)
        {
            long left = Corner(band), top = Corner(band + 1), right = Corner(band + 2);
            for (long bin = left; bin <= top; bin++) Set(bin, band, top == left ? 1 : (double)(bin - left) / (top - left));
            for (long bin = top; bin < right; bin++) Set(bin, band, (double)(right - bin) / (right - top));
        }

        // The bin of a corner, of which there are two more than bands: equally far apart on the mel scale.
        long Corner(long corner)
        {
            double bin = Math.Floor((length + 1) * (700 * (Math.Pow(10, ((corner * step) + low) / 2595) - 1)) / rate);
            return bin >= 0 && bin < rows ? (long)bin : throw call.Bad($"a frequency lies at bin {bin} of {rows}");
        }

        void Set(long bin, long band, double weight)
        {
            if (y.Type.IsFloat()) y.SetReal((bin * bands) + band, weight);
            else y.SetInteger((bin * bands) + band, (long)weight);
        }
    }

    private static double Mel(double hertz) => 2595 * Math.Log10(1 + (hertz / 700));
}
