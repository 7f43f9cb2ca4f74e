using System.Text.Json;

namespace Lathe.Runtime.Devices;

/// <summary>The form of a <see cref="DeviceProfile"/> as a JSON object, whose members are those of the record in snake case.</summary>
public static class DeviceProfileFormat
{
    /// <summary>Rates and sizes within these bounds give finite times whatever a model takes, and sizes that are integers.</summary>
    private const double Least = 1e-6, Most = 1e15;

    /// <summary>Reads a profile.</summary>
    /// <param name="json">The object.</param>
    /// <param name="defaults">What it does not say; its type is that of the result.</param>
    /// <param name="others">Members that are no part of a profile and left to the caller.</param>
    /// <typeparam name="T">The kind of profile.</typeparam>
    /// <exception cref="FormatException">It is malformed, or a number is none that a device can have.</exception>
    public static T Read<T>(JsonElement json, T defaults, params string[] others)
        where T : DeviceProfile
    {
        if (json.ValueKind != JsonValueKind.Object) throw new FormatException("it is no object");
        DeviceProfile profile = defaults;
        try
        {
            foreach (JsonProperty property in json.EnumerateObject()) profile = Read(property, profile, others);
        }
        catch (InvalidOperationException)
        {
            // Halves of characters are found when a text is taken.
            throw new FormatException("it has a text that is no Unicode");
        }

        if (profile.Gmacs.Count == 0 || profile.BandwidthGbs <= 0 || profile.TransferGbs <= 0) throw new FormatException("'gmacs', 'bandwidth_gbs' and 'transfer_gbs' are needed");
        return (T)profile;
    }

    private static DeviceProfile Read(JsonProperty property, DeviceProfile profile, string[] others)
    {
        JsonElement value = property.Value;
        return property.Name switch
        {
            "device" => profile,
            "origin" => profile with { Origin = value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Wrong("a text") },
            "gmacs" => profile with { Gmacs = Numbers() },
            "efficiency" => profile with { Efficiency = Numbers() },
            "bandwidth_gbs" => profile with { BandwidthGbs = Rate(value) },
            "launch_us" => profile with { LaunchUs = Duration() },
            "transfer_us" => profile with { TransferUs = Duration() },
            "transfer_gbs" => profile with { TransferGbs = Rate(value) },
            "memory_bytes" => profile with { MemoryBytes = Integer(0, (long)Most) },
            "requests" => profile with { Requests = (int)Integer(1, int.MaxValue) },
            "unsupported" => profile with { Unsupported = Texts(property) },
            _ => others.Contains(property.Name) ? profile : throw new FormatException($"there is no '{property.Name}' in profiles"),
        };

        Dictionary<string, double> Numbers() => value.ValueKind == JsonValueKind.Object
            ? value.EnumerateObject().GroupBy(number => number.Name).ToDictionary(same => same.Key, same => Rate(same.Last().Value))
            : throw Wrong("an object of numbers");

        double Rate(JsonElement number) => Number(number) is { } rate and >= Least ? rate : throw Wrong(FormattableString.Invariant($"a number from {Least} to {Most}"));

        double Duration() => Number(value) ?? throw Wrong(FormattableString.Invariant($"a number from 0 to {Most}"));

        long Integer(long least, long most) => Number(value) is { } number && double.IsInteger(number) && number >= least && number <= most
            ? (long)number
            : throw Wrong(FormattableString.Invariant($"an integer from {least} to {most}"));

        FormatException Wrong(string expected) => new($"'{property.Name}' is not {expected}");
    }

    /// <summary>The texts of a list, each once.</summary>
    /// <exception cref="FormatException">It is no list of texts.</exception>
    public static string[] Texts(JsonProperty property) => property.Value.ValueKind == JsonValueKind.Array
        ? [.. property.Value.EnumerateArray().Select(text => text.ValueKind == JsonValueKind.String ? text.GetString()! : throw NoTexts(property)).Distinct()]
        : throw NoTexts(property);

    private static FormatException NoTexts(JsonProperty property) => new($"'{property.Name}' is not a list of texts");

    /// <summary>A number that is not negative and not above the most that is allowed; null for another.</summary>
    private static double? Number(JsonElement value) => value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number is >= 0 and <= Most ? number : null;
}
