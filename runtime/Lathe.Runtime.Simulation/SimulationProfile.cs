using System.Text.Json;
using Lathe.Runtime.Devices;

namespace Lathe.Runtime.Simulation;

/// <summary>
/// What a simulated accelerator is like: the profile that the compiler places by, with what fails in addition. Without more said it is the profile that Lathe has of <c>SIM</c>. Immutable.
/// </summary>
public sealed record SimulationProfile() : DeviceProfile(Shipped.Value)
{
    /// <summary>The environment variable that holds a profile, or the path of a file with one, as <see cref="Of"/> reads it.</summary>
    public const string Variable = "LATHE_SIM";

    private static readonly JsonDocumentOptions Options = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    private static readonly Lazy<DeviceProfile> Shipped = new(ReadShipped);

    /// <summary>
    /// What fails: <c>build</c> and <c>allocate</c>, which always do; <c>launch:N</c>, <c>read:N</c>, <c>write:N</c> and <c>wait:N</c>, the N-th such call of a model, counted from 1;
    /// <c>lost:N</c>, the N-th call of any kind and all later ones: <c>faults</c>.
    /// </summary>
    public IReadOnlyList<string> Faults { get; init; } = [];

    /// <summary>The profile of the environment.</summary>
    /// <exception cref="LatheException">LATHE0520: it cannot be read.</exception>
    public static SimulationProfile OfEnvironment() => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } text ? Of(text) : new();

    /// <summary>Reads a profile.</summary>
    /// <param name="text">
    /// A JSON object, or the path of a file with one: the members of a profile, and <c>faults</c>; or an object whose <c>devices</c> are such, of which that of <c>SIM</c> counts.
    /// </param>
    /// <exception cref="LatheException">LATHE0520: it cannot be read.</exception>
    public static SimulationProfile Of(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text.TrimStart().StartsWith('{') ? text : File.ReadAllText(text), Options);
            if (OfDevice(document.RootElement) is not { } json) return new();
            SimulationProfile profile = DeviceProfileFormat.Read(json, new SimulationProfile(), "faults");
            if (json.TryGetProperty("faults", out _)) profile = profile with { Faults = DeviceProfileFormat.Texts(json.EnumerateObject().Last(member => member.Name == "faults")) };
            SimulatedFaults.Parse(profile.Faults);
            return profile;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException or JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
        {
            throw new LatheException(ErrorIds.Simulation, $"The profile of the simulated accelerator ({Variable}) cannot be read: {e.Message}", e);
        }
    }

    private static DeviceProfile ReadShipped()
    {
        using Stream stream = typeof(SimulationProfile).Assembly.GetManifestResourceStream("DeviceProfiles.json")!;
        using JsonDocument document = JsonDocument.Parse(stream);
        return DeviceProfileFormat.Read(OfDevice(document.RootElement)!.Value, new DeviceProfile("SIM"));
    }

    private static JsonElement? OfDevice(JsonElement root)
    {
        if (!root.TryGetProperty("devices", out JsonElement devices)) return root;
        foreach (JsonElement device in devices.EnumerateArray())
            if (device.GetProperty("device").GetString() == "SIM") return device;
        return null;
    }
}
