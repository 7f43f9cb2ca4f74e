using System.Buffers.Binary;

namespace Lathe.Runtime.Plans;

/// <summary>
/// The stored form of a <see cref="Plan"/>: a header of 24 bytes (the magic <c>LathePln</c>, the version, the length of what follows and its
/// FNV-1a checksum, all little-endian) and the plan as variable-length integers, UTF-8 text and postfix code. The same plan always gives the
/// same bytes. Safe for concurrent use.
/// </summary>
public static class PlanFormat
{
    private const int HeaderBytes = 24;
    private const int MaximumBytes = 1 << 28;

    private static ReadOnlySpan<byte> Magic => "LathePln"u8;

    /// <summary>The stored form of a plan.</summary>
    /// <exception cref="LatheException">LATHE0503: the plan contradicts itself, such as a step that names a buffer that is not there.</exception>
    public static byte[] Write(Plan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        PlanVerifier.Verify(plan);
        byte[] payload = PlanWriter.Write(plan);
        byte[] bytes = new byte[HeaderBytes + payload.Length];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), Plan.Version);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(12), payload.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(16), Checksum(payload));
        payload.CopyTo(bytes, HeaderBytes);
        return bytes;
    }

    /// <summary>Writes the stored form of a plan.</summary>
    /// <exception cref="LatheException">LATHE0503: the plan contradicts itself.</exception>
    public static void Write(Plan plan, Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        stream.Write(Write(plan));
    }

    /// <summary>Reads a plan and checks everything in it that does not depend on the named dims.</summary>
    /// <exception cref="LatheException">LATHE0502: the plan has another version. LATHE0503: it is cut off, corrupt or contradicts itself.</exception>
    public static Plan Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < HeaderBytes || !bytes[..8].SequenceEqual(Magic)) throw Corrupt("it does not begin with a plan's header");
        int version = BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]);
        if (version != Plan.Version)
            throw new LatheException(ErrorIds.OtherVersion, $"The plan has version {version}; this runtime reads version {Plan.Version}.");
        ReadOnlySpan<byte> payload = bytes[HeaderBytes..];
        if (BinaryPrimitives.ReadInt32LittleEndian(bytes[12..]) != payload.Length) throw Corrupt("its length is not the one it says");
        if (BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]) != Checksum(payload)) throw Corrupt("its checksum is wrong");
        Plan plan = PlanReader.Read(payload);
        PlanVerifier.Verify(plan);
        return plan;
    }

    /// <summary>Reads a plan from a stream to its end.</summary>
    /// <exception cref="LatheException">As <see cref="Read(ReadOnlySpan{byte})"/>, or the stream has more than 256 MiB.</exception>
    public static Plan Read(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        using MemoryStream bytes = new();
        byte[] buffer = new byte[1 << 16];
        for (int count; (count = stream.Read(buffer)) > 0;)
        {
            bytes.Write(buffer, 0, count);
            if (bytes.Length > MaximumBytes) throw Corrupt("it has more than 256 MiB");
        }

        return Read(bytes.GetBuffer().AsSpan(0, (int)bytes.Length));
    }

    internal static LatheException Corrupt(string what, Exception? cause = null) =>
        new(ErrorIds.CorruptPlan, $"The plan is corrupt: {what}.", cause);

    internal static ulong Checksum(ReadOnlySpan<byte> bytes)
    {
        ulong hash = 14695981039346656037;
        foreach (byte b in bytes) hash = unchecked((hash ^ b) * 1099511628211);
        return hash;
    }
}
