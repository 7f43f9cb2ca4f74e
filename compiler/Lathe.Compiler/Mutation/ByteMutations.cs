namespace Lathe.Compiler.Mutation;

/// <summary>Mutations of a file's bytes, whatever they mean.</summary>
internal static class ByteMutations
{
    /// <summary>Where a file's messages are, mostly: the middle of a large one is weights.</summary>
    private const int Margin = 4096;

    private const int MaxRange = 512;

    /// <summary>Mutates bytes; there is at least one.</summary>
    public static (byte[] Bytes, string Mutation) Apply(byte[] bytes, byte[] donor, Random random)
    {
        if (bytes.Length == 0) return ([(byte)random.Next(256)], "a byte out of nothing");
        int at = Position(bytes, random), length = Math.Min(random.Next(1, MaxRange), bytes.Length - at);
        switch (random.Next(8))
        {
            case 0:
                {
                    byte[] flipped = [.. bytes];
                    int flips = random.Next(1, 9);
                    for (int i = 0; i < flips; i++) flipped[Position(bytes, random)] ^= (byte)(1 << random.Next(8));
                    return (flipped, $"{flips} bits flipped");
                }

            case 1: return (bytes[..at], $"truncated to {at} bytes");
            case 2: return ([.. bytes[..at], .. bytes[(at + length)..]], $"{length} bytes deleted at {at}");
            case 3: return ([.. bytes[..(at + length)], .. bytes[at..]], $"{length} bytes at {at} repeated");
            case 4:
                {
                    byte[] noise = [.. bytes];
                    random.NextBytes(noise.AsSpan(at, length));
                    return (noise, $"{length} random bytes at {at}");
                }

            case 5:
                {
                    if (donor.Length == 0) return ([], "emptied");
                    int from = Position(donor, random), taken = Math.Min(random.Next(1, MaxRange), donor.Length - from);
                    return ([.. bytes[..at], .. donor[from..(from + taken)], .. bytes[at..]], $"{taken} bytes of the donor at {at}");
                }

            case 6:
                {
                    // A length or a number that no file can hold, in the form in which protobuf writes numbers.
                    byte[] huge = random.Next(2) == 0 ? [0xff, 0xff, 0xff, 0xff, 0x07] : [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
                    return ([.. bytes[..at], .. huge, .. bytes[(at + 1)..]], $"a huge number at {at}");
                }

            default:
                {
                    byte[] changed = [.. bytes];
                    changed[at] = (byte)random.Next(256);
                    return (changed, $"byte {at} set to {changed[at]}");
                }
        }
    }

    private static int Position(byte[] bytes, Random random) => random.Next(3) switch
    {
        0 => random.Next(Math.Min(bytes.Length, Margin)),
        1 => bytes.Length - 1 - random.Next(Math.Min(bytes.Length, Margin)),
        _ => random.Next(bytes.Length),
    };
}
