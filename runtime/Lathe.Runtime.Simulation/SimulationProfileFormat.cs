using System.Text.Json;

namespace Lathe.Runtime.Simulation;

/// <summary>The text of a <see cref="SimulationProfile"/>.</summary>
internal static class SimulationProfileFormat
{
    private static readonly JsonDocumentOptions Options = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <inheritdoc cref="SimulationProfile.Of"/>
    public static SimulationProfile Read(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text.TrimStart().StartsWith('{') ? text : File.ReadAllText(text), Options);
            return Read(OfDevice(document.RootElement));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException or JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
        {
            throw new LatheException(ErrorIds.Simulation, $"The profile of the simulated accelerator ({SimulationProfile.Variable}) cannot be read: {e.Message}", e);
        }
    }

    private static JsonElement? OfDevice(JsonElement root)
    {
        if (!root.TryGetProperty("devices", out JsonElement devices)) return root;
        foreach (JsonElement device in devices.EnumerateArray())
            if (device.GetProperty("device").GetString() == "SIM") return device;
        return null;
    }

    private static SimulationProfile Read(JsonElement? json)
    {
        SimulationProfile profile = new();
        if (json is null) return profile;
        foreach (JsonProperty member in json.Value.EnumerateObject())
        {
            profile = member.Name switch
            {
                "device" or "origin" or "queues" => profile,
                "gmacs" => profile with { Gmacs = Numbers(member) },
                "efficiency" => profile with { Efficiency = Numbers(member) },
                "bandwidth_gbs" => profile with { BandwidthGbs = Positive(member) },
                "launch_us" => profile with { LaunchUs = Number(member) },
                "transfer_us" => profile with { TransferUs = Number(member) },
                "transfer_gbs" => profile with { TransferGbs = Positive(member) },
                "memory_bytes" => profile with { MemoryBytes = (long)Number(member) },
                "requests" => profile with { Requests = (int)Math.Clamp(Positive(member), 1, 1 << 20) },
                "unsupported" => profile with { Unsupported = Texts(member) },
                "faults" => profile with { Faults = Texts(member) },
                _ => throw new FormatException($"there is no '{member.Name}'."),
            };
        }

        if (profile.Gmacs.Count == 0) throw new FormatException("'gmacs' is empty.");
        SimulatedFaults.Parse(profile.Faults);
        return profile;
    }

    private static Dictionary<string, double> Numbers(JsonProperty member)
    {
        Dictionary<string, double> numbers = [];
        foreach (JsonProperty number in member.Value.EnumerateObject()) numbers[number.Name] = Positive(number);
        return numbers;
    }

    private static double Positive(JsonProperty member) => Number(member) is > 0 and var number ? number : throw new FormatException($"'{member.Name}' is not above 0.");

    private static double Number(JsonProperty member) => member.Value.GetDouble() is >= 0 and < 1e15 and var number ? number : throw new FormatException($"'{member.Name}' is out of range.");

    private static string[] Texts(JsonProperty member) => [.. member.Value.EnumerateArray().Select(text => text.GetString() ?? throw new FormatException($"'{member.Name}' holds what is no text."))];
}
