using System.Text.Json;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Operators;
using Lathe.Runtime.Devices;

namespace Lathe.Compiler.Placement;

/// <summary>The text of device profiles: JSON, an object whose <c>devices</c> are profiles. What they do not say is as in the profile that Lathe has of that device.</summary>
public static class DeviceProfileText
{
    private static readonly JsonSerializerOptions Written = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true, NewLine = "\n" };

    /// <summary>The profiles that Lathe has, by device.</summary>
    public static IReadOnlyDictionary<string, DeviceProfile> Shipped { get; } = ReadShipped();

    /// <summary>Reads profiles.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The profiles by device; those that Lathe has for devices that are not mentioned.</returns>
    /// <exception cref="DiagnosticException">It is malformed, or a number is none that a device can have.</exception>
    public static IReadOnlyDictionary<string, DeviceProfile> Parse(string text)
    {
        Dictionary<string, DeviceProfile> profiles = new(Shipped);
        foreach (DeviceProfile profile in Read(text, Shipped)) profiles[profile.Device] = profile;
        return profiles;
    }

    /// <summary>The text of profiles, which <see cref="Parse"/> reads back.</summary>
    public static string Write(IEnumerable<DeviceProfile> profiles) => JsonSerializer.Serialize(new { devices = profiles.ToArray() }, Written) + "\n";

    private static Dictionary<string, DeviceProfile> ReadShipped()
    {
        using Stream stream = typeof(DeviceProfileText).Assembly.GetManifestResourceStream("DeviceProfiles.json")!;
        using StreamReader reader = new(stream);
        return Read(reader.ReadToEnd(), new Dictionary<string, DeviceProfile>()).ToDictionary(p => p.Device);
    }

    private static IReadOnlyList<DeviceProfile> Read(string text, IReadOnlyDictionary<string, DeviceProfile> defaults)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text, new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("devices", out JsonElement devices) || devices.ValueKind != JsonValueKind.Array)
                throw Malformed("it is no object with an array 'devices'");
            List<DeviceProfile> profiles = [];
            foreach (JsonElement device in devices.EnumerateArray())
            {
                DeviceProfile profile = ReadDevice(device, defaults);
                if (profiles.Any(p => p.Device == profile.Device)) throw Malformed($"'{profile.Device}' is in it twice");
                profiles.Add(profile);
            }

            return profiles;
        }
        catch (JsonException e)
        {
            throw Malformed($"line {e.LineNumber + 1}: it is no JSON");
        }
        catch (InvalidOperationException)
        {
            // Halves of characters are found when a text is taken.
            throw Malformed("it has a text that is no Unicode");
        }
    }

    private static DeviceProfile ReadDevice(JsonElement json, IReadOnlyDictionary<string, DeviceProfile> defaults)
    {
        if (json.ValueKind != JsonValueKind.Object || !json.TryGetProperty("device", out JsonElement name) || name.ValueKind != JsonValueKind.String) throw Malformed("a device has no name: 'device'");
        string device = name.GetString()!;
        if (!DeviceList.Known.Contains(device)) throw Malformed($"there is no device '{device}'; there are {string.Join(", ", DeviceList.Known)}");
        DeviceProfile profile;
        try
        {
            profile = DeviceProfileFormat.Read(json, defaults.GetValueOrDefault(device) ?? new DeviceProfile(device));
        }
        catch (FormatException e)
        {
            throw Malformed($"{device}: {e.Message}");
        }

        Check("gmacs", profile.Gmacs.Keys, "a precision out of fp32, fp16, bf16, int8", PrecisionNames.IsArithmetic);
        Check("efficiency", profile.Efficiency.Keys, "an operator", IsOperator);
        Check("unsupported", profile.Unsupported, "an operator", IsOperator);
        return profile;

        void Check(string member, IEnumerable<string> names, string what, Func<string, bool> isOne)
        {
            if (names.FirstOrDefault(n => !isOne(n)) is { } unknown) throw Malformed($"{device}: '{unknown}' in '{member}' is not {what}");
        }
    }

    private static bool IsOperator(string name) => OperatorTable.ByOnnxName.Keys.Any(key => key.Item2 == name) || Graph.OpSyntax.Named(name) is not null;

    private static DiagnosticException Malformed(string reason) => new(new Diagnostic(DiagnosticTable.BadDeviceProfile, null, reason));
}
