using Lathe.Compiler.Placement;
using Lathe.Kernels;
using Lathe.Runtime;

namespace Lathe.Compiler;

/// <summary>
/// What each of several devices computes products with: <c>GPU=fp16,CPU=fp32</c>. A device that is not named computes floats in float32, and bytes where the model has them. One that is named
/// with a precision of floats gets no bytes, but for the CPU, which runs whatever others do not.
/// </summary>
/// <param name="Named">Devices and their precisions.</param>
public sealed record DevicePrecisions(EquatableArray<(string Device, string Precision)> Named)
{
    /// <summary>No device has a precision of its own.</summary>
    public static DevicePrecisions None { get; } = new([]);

    /// <summary>Reads the text of the option: a precision for all devices, or a list.</summary>
    /// <returns>What <see cref="CompileOptions.Precision"/> and <see cref="CompileOptions.DevicePrecisions"/> are.</returns>
    /// <exception cref="FormatException">It is neither.</exception>
    public static (string Model, DevicePrecisions Devices) Parse(string text)
    {
        if (!text.Contains('=')) return (Word(text), None);
        List<(string Device, string Precision)> named = [];
        foreach (string part in text.Split(','))
        {
            int at = part.IndexOf('=');
            if (at <= 0) throw new FormatException($"'{part}' is not DEVICE=PRECISION");
            if (named.Any(d => d.Device == part[..at])) throw new FormatException($"'{part[..at]}' is there twice");
            named.Add((part[..at], Word(part[(at + 1)..])));
        }

        // What is to be in bytes is quantised, and what the CPU has in 16 bits is rounded, before devices are chosen.
        string model = named.Any(d => d.Precision == PrecisionNames.Int8) ? PrecisionNames.Int8 : named.FirstOrDefault(d => d.Device == "CPU").Precision ?? PrecisionNames.Fp32;
        return (model, new DevicePrecisions(named.ToEquatableArray()));

        static string Word(string word) => word == "auto" ? PrecisionNames.Fp32
            : PrecisionNames.IsArithmetic(word) ? word : throw new FormatException($"'{word}' is not one of fp32, bf16, fp16, int8, auto");
    }

    /// <summary>What a device is named with; null if it is not.</summary>
    public string? Of(string device) => Named.Items.FirstOrDefault(d => d.Device == device).Precision;

    /// <summary>True for a device that gets nothing that is computed with bytes.</summary>
    public bool ExcludesBytes(string device) => device != "CPU" && Of(device) is { } precision && precision != PrecisionNames.Int8;

    /// <summary>Why a model cannot have these precisions; null if it can.</summary>
    /// <param name="model">That of the model.</param>
    /// <param name="device">The device or the devices of the model.</param>
    public string? Refusal(string model, string device)
    {
        if (Named.Length == 0) return null;
        if (!DeviceList.IsList(device)) return $"a precision for each device needs several: --device {DeviceList.Prefix}…";
        IReadOnlyList<string> devices = DeviceList.Parse(device);
        if (Named.Items.FirstOrDefault(d => !devices.Contains(d.Device)).Device is { } unknown) return $"'{unknown}' is not one of {string.Join(", ", devices)}";
        string onCpu = Of("CPU") ?? model;
        return PrecisionNames.WeightsOf(onCpu) is not null && (devices.FirstOrDefault(d => Of(d) != onCpu) ?? (model == onCpu ? null : "the model")) is { } other
            ? $"weights that the CPU has in {onCpu} every device has so, and {other} is to have others"
            : null;
    }

    /// <inheritdoc/>
    public override string ToString() => string.Join(',', Named.Items.Select(d => $"{d.Device}={d.Precision}"));
}
