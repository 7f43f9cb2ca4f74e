namespace Lathe.Runtime.Routines;

/// <summary>
/// Random numbers (<see cref="Philox"/>). Operands: one that is only waited for, or none; y (floats). Integers: 1 for the normal distribution, 0 for the
/// uniform one; 1 if there is a seed, otherwise each call draws others; the seed. Floats: what is added to each number after it was multiplied by the second.
/// </summary>
internal static class Draw
{
    public static void Run(RoutineCall call)
    {
        RoutineTensor y = call[call.Count - 1];
        UInt128 key = call.Integers[1] != 0 ? Philox.Key(call.Integers[2]) : Philox.NextKey();
        bool isNormal = call.Integers[0] != 0;
        double offset = call.Floats[0], scale = call.Floats[1];
        int bits = Philox.Bits(y.Type);
        long count = y.Count;
        for (long i = 0; i < count; i++) y.SetReal(i, offset + (scale * (isNormal ? Philox.Normal(key, i) : Philox.Uniform(key, i, bits))));
    }
}
