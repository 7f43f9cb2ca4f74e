using Lathe.Compiler.Diagnostics;

namespace Lathe.Compiler.Placement;

/// <summary>Lists of devices that run one model together: <c>HETERO:GPU,CPU</c>, in order of priority.</summary>
public static class DeviceList
{
    /// <summary>What such a list begins with.</summary>
    public const string Prefix = "HETERO:";

    /// <summary>The devices that may be in one.</summary>
    public static IReadOnlyList<string> Known { get; } = ["CPU", "GPU", "SIM"];

    /// <summary>True for a list.</summary>
    public static bool IsList(string device) => device.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>The devices of a list, in order.</summary>
    /// <param name="device">The list.</param>
    /// <exception cref="DiagnosticException">A device is unknown or there twice, or the CPU, on which whatever no other can run has to run, is not there.</exception>
    public static IReadOnlyList<string> Parse(string device)
    {
        string[] devices = device[Prefix.Length..].Split(',');
        if (devices.FirstOrDefault(d => !Known.Contains(d)) is { } unknown)
            throw new DiagnosticException(new Diagnostic(DiagnosticTable.UnknownDevice, null, unknown, string.Join(", ", Known)));
        if (devices.GroupBy(d => d).FirstOrDefault(g => g.Count() > 1) is { } twice) throw Bad(device, $"{twice.Key} is in it twice");
        if (!devices.Contains("CPU")) throw Bad(device, $"the CPU is not in it, which runs what no other device can: {device},CPU");
        return devices;
    }

    private static DiagnosticException Bad(string device, string reason) => new(new Diagnostic(DiagnosticTable.BadDeviceList, null, device, reason));
}
