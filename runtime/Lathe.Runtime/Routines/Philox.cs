namespace Lathe.Runtime.Routines;

/// <summary>
/// Random numbers by counting: each is a function of a key and its place, with no state between them. The function is Philox4x32 with 10 rounds (Salmon,
/// Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011). Public so that the compiler can say what a model draws.
/// </summary>
public static class Philox
{
    private static long _keys;

    /// <summary>A key that no call before was given, and that is the key of no seed.</summary>
    public static UInt128 NextKey() => new(1, (ulong)Interlocked.Increment(ref _keys));

    /// <summary>The key of a seed.</summary>
    public static UInt128 Key(long seed) => unchecked((ulong)seed);

    /// <summary>A number of the normal distribution with mean 0 and standard deviation 1, by Box and Muller's transform.</summary>
    public static double Normal(UInt128 key, long place)
    {
        (ulong first, ulong second) = Block(key, place);
        // The first is above 0, so that its logarithm is finite.
        return Math.Sqrt(-2 * Math.Log(1 - Unit(first, 53))) * Math.Cos(2 * Math.PI * Unit(second, 53));
    }

    /// <summary>A number of the uniform distribution: 0 or more and less than 1.</summary>
    /// <param name="key">The key.</param>
    /// <param name="place">Which number.</param>
    /// <param name="bits">How many bits it has: no more than the significand that it goes to, or else it could become 1.</param>
    public static double Uniform(UInt128 key, long place, int bits) => Unit(Block(key, place).First, bits);

    /// <summary>The significand's bits of a float type.</summary>
    public static int Bits(ElementType type) => type switch
    {
        ElementType.Float64 => 53,
        ElementType.Float32 => 24,
        ElementType.Float16 => 11,
        _ => 8,
    };

    /// <summary>128 random bits for a counter of 128 bits, whose upper half is that of the key; the lower half of the key is the cipher's.</summary>
    internal static (ulong First, ulong Second) Block(UInt128 key, long place) => Block((ulong)key, (ulong)place, (ulong)(key >> 64));

    /// <summary>128 random bits for a key and a counter.</summary>
    internal static (ulong First, ulong Second) Block(ulong key, ulong counterLow, ulong counterHigh)
    {
        const ulong M0 = 0xD2511F53, M1 = 0xCD9E8D57;
        const uint W0 = 0x9E3779B9, W1 = 0xBB67AE85;
        (uint c0, uint c1, uint c2, uint c3) = ((uint)counterLow, (uint)(counterLow >> 32), (uint)counterHigh, (uint)(counterHigh >> 32));
        (uint k0, uint k1) = ((uint)key, (uint)(key >> 32));
        for (int round = 0; round < 10; round++)
        {
            ulong p0 = M0 * c0, p1 = M1 * c2;
            (c0, c1, c2, c3) = ((uint)(p1 >> 32) ^ c1 ^ k0, (uint)p1, (uint)(p0 >> 32) ^ c3 ^ k1, (uint)p0);
            (k0, k1) = unchecked((k0 + W0, k1 + W1));
        }

        return (((ulong)c1 << 32) | c0, ((ulong)c3 << 32) | c2);
    }

    private static double Unit(ulong random, int bits) => (random >> (64 - bits)) / (double)(1UL << bits);
}
