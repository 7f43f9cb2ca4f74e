using System.Text;
using System.Text.Json;
using Lathe.Compiler.Diagnostics;
using Lathe.Compiler.Operators;

namespace Lathe.Compiler.Placement;

/// <summary>The text of device profiles: JSON, an object whose <c>devices</c> are profiles. What they do not say is as in the profile that Lathe has of that device.</summary>
public static class DeviceProfileFormat
{
    /// <summary>Rates and sizes within these bounds give finite times whatever a model takes, and sizes that are integers.</summary>
    private const double Least = 1e-6, Most = 1e15;

    private static readonly JsonWriterOptions Indented = new() { Indented = true, NewLine = "\n" };

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
    public static string Write(IEnumerable<DeviceProfile> profiles)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter json = new(stream, Indented))
        {
            json.WriteStartObject();
            json.WriteStartArray("devices");
            foreach (DeviceProfile profile in profiles) Write(profile, json);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }

    private static void Write(DeviceProfile profile, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("device", profile.Device);
        json.WriteString("origin", profile.Origin);
        Numbers("gmacs", profile.Gmacs);
        Numbers("efficiency", profile.Efficiency);
        json.WriteNumber("bandwidth_gbs", profile.BandwidthGbs);
        json.WriteNumber("launch_us", profile.LaunchUs);
        json.WriteNumber("transfer_us", profile.TransferUs);
        json.WriteNumber("transfer_gbs", profile.TransferGbs);
        json.WriteNumber("memory_bytes", profile.MemoryBytes);
        json.WriteNumber("queues", profile.Queues);
        json.WriteNumber("requests", profile.Requests);
        json.WriteStartArray("unsupported");
        foreach (string op in profile.Unsupported) json.WriteStringValue(op);
        json.WriteEndArray();
        json.WriteEndObject();

        void Numbers(string name, IReadOnlyDictionary<string, double> numbers)
        {
            json.WriteStartObject(name);
            foreach ((string key, double number) in numbers) json.WriteNumber(key, number);
            json.WriteEndObject();
        }
    }

    private static Dictionary<string, DeviceProfile> ReadShipped()
    {
        using Stream stream = typeof(DeviceProfileFormat).Assembly.GetManifestResourceStream("DeviceProfiles.json")!;
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
        DeviceProfile profile = defaults.GetValueOrDefault(device) ?? new DeviceProfile(device);
        foreach (JsonProperty property in json.EnumerateObject())
        {
            profile = property.Name switch
            {
                "device" => profile,
                "origin" => profile with { Origin = property.Value.ValueKind == JsonValueKind.String ? property.Value.GetString()! : throw Wrong("a text") },
                "gmacs" => profile with { Gmacs = Numbers("a precision out of fp32, fp16, bf16, int8", PrecisionNames.IsArithmetic) },
                "efficiency" => profile with { Efficiency = Numbers("an operator", IsOperator) },
                "bandwidth_gbs" => profile with { BandwidthGbs = Rate(property.Value) },
                "launch_us" => profile with { LaunchUs = Duration(property.Value) },
                "transfer_us" => profile with { TransferUs = Duration(property.Value) },
                "transfer_gbs" => profile with { TransferGbs = Rate(property.Value) },
                "memory_bytes" => profile with { MemoryBytes = Integer(0, (long)Most) },
                "queues" => profile with { Queues = (int)Integer(1, int.MaxValue) },
                "requests" => profile with { Requests = (int)Integer(1, int.MaxValue) },
                "unsupported" => profile with { Unsupported = Operators() },
                _ => throw Malformed($"{device}: there is no '{property.Name}' in profiles"),
            };

            Dictionary<string, double> Numbers(string what, Func<string, bool> isKey)
            {
                if (property.Value.ValueKind != JsonValueKind.Object) throw Wrong($"an object with a number for {what}");
                Dictionary<string, double> numbers = [];
                foreach (JsonProperty number in property.Value.EnumerateObject())
                {
                    if (!isKey(number.Name)) throw Malformed($"{device}: '{number.Name}' in '{property.Name}' is not {what}");
                    numbers[number.Name] = Rate(number.Value);
                }

                return numbers;
            }

            IReadOnlyList<string> Operators()
            {
                if (property.Value.ValueKind != JsonValueKind.Array) throw Wrong("a list of operators");
                string[] operators = [.. property.Value.EnumerateArray().Select(o => o.ValueKind == JsonValueKind.String ? o.GetString()! : throw Wrong("a list of operators")).Distinct()];
                return operators.FirstOrDefault(o => !IsOperator(o)) is { } unknown ? throw Malformed($"{device}: '{unknown}' in 'unsupported' is not an operator") : operators;
            }

            double Rate(JsonElement value) => Number(value) is { } rate and >= Least ? rate : throw Wrong(FormattableString.Invariant($"a number from {Least} to {Most}"));

            double Duration(JsonElement value) => Number(value) ?? throw Wrong(FormattableString.Invariant($"a number from 0 to {Most}"));

            long Integer(long least, long most) => Number(property.Value) is { } number && double.IsInteger(number) && number >= least && number <= most
                ? (long)number
                : throw Wrong(FormattableString.Invariant($"an integer from {least} to {most}"));

            DiagnosticException Wrong(string expected) => Malformed($"{device}: '{property.Name}' is not {expected}");
        }

        if (profile.Gmacs.Count == 0 || profile.BandwidthGbs <= 0 || profile.TransferGbs <= 0) throw Malformed($"{device}: 'gmacs', 'bandwidth_gbs' and 'transfer_gbs' are needed");
        return profile;
    }

    /// <summary>A number that is not negative and not above the most that is allowed; null for another.</summary>
    private static double? Number(JsonElement value) => value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number) && number is >= 0 and <= Most ? number : null;

    private static bool IsOperator(string name) => OperatorTable.ByOnnxName.Keys.Any(key => key.Item2 == name) || Graph.OpSyntax.Named(name) is not null;

    private static DiagnosticException Malformed(string reason) => new(new Diagnostic(DiagnosticTable.BadDeviceProfile, null, reason));
}
