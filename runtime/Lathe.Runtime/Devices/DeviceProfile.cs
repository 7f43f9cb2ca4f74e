namespace Lathe.Runtime.Devices;

/// <summary>
/// What a device offers, as data: a step on it takes launch + max(multiplications / rate, bytes / bandwidth) / efficiency, a copy between its memory and the host's latency + bytes / rate.
/// </summary>
/// <param name="Device">Its name in lists of devices.</param>
public record DeviceProfile(string Device)
{
    /// <summary>Where the numbers come from, for users.</summary>
    public string Origin { get; init; } = "";

    /// <summary>Billions of multiply-accumulates in a second by precision, such as <c>fp32</c>; a precision that is absent is one that the device does not have.</summary>
    public IReadOnlyDictionary<string, double> Gmacs { get; init; } = new Dictionary<string, double>();

    /// <summary>The share of that rate and of <see cref="BandwidthGbs"/> that steps with an operator reach, by the operator's name: the least of several, 1 for others.</summary>
    public IReadOnlyDictionary<string, double> Efficiency { get; init; } = new Dictionary<string, double>();

    /// <summary>Billions of bytes that steps read and write in a second.</summary>
    public double BandwidthGbs { get; init; }

    /// <summary>Microseconds from one step to the next beside what they compute.</summary>
    public double LaunchUs { get; init; }

    /// <summary>Microseconds that a copy between its memory and the host's takes beside its bytes.</summary>
    public double TransferUs { get; init; }

    /// <summary>Billions of bytes in a second in such a copy.</summary>
    public double TransferGbs { get; init; }

    /// <summary>The bytes of its memory; 0 where that is no limit.</summary>
    public long MemoryBytes { get; init; }

    /// <summary>How many requests keep it busy.</summary>
    public int Requests { get; init; } = 1;

    /// <summary>The ONNX operators that it does not run.</summary>
    public IReadOnlyList<string> Unsupported { get; init; } = [];

    /// <summary>What a step takes, in microseconds.</summary>
    /// <param name="operators">The names of its operators, joined with '+'.</param>
    /// <param name="precision">What it computes with.</param>
    /// <param name="macs">Its multiply-accumulates.</param>
    /// <param name="bytes">The bytes it reads and writes.</param>
    public double StepUs(string operators, string precision, double macs, double bytes) => StepUs(RateOf(precision), ShareOf(operators), macs, bytes);

    /// <summary>What a step takes, in microseconds, as <see cref="StepUs(string, string, double, double)"/> says.</summary>
    /// <param name="rate">See <see cref="RateOf"/>.</param>
    /// <param name="share">See <see cref="ShareOf"/>.</param>
    /// <param name="macs">Its multiply-accumulates.</param>
    /// <param name="bytes">The bytes it reads and writes.</param>
    public double StepUs(double rate, double share, double macs, double bytes) => LaunchUs + (Math.Max(macs / rate, bytes / BandwidthGbs) / share / 1e3);

    /// <summary>Billions of multiply-accumulates in a second in a precision; the least of all for one that the device does not have.</summary>
    public double RateOf(string precision) => Gmacs.TryGetValue(precision, out double rate) ? rate : Gmacs.Values.DefaultIfEmpty(1).Min();

    /// <summary>The share of its rates that a step reaches.</summary>
    /// <param name="operators">The names of the step's operators, joined with '+'.</param>
    public double ShareOf(string operators) => Efficiency.Count == 0 ? 1 : operators.Split('+').Where(Efficiency.ContainsKey).Select(op => Efficiency[op]).DefaultIfEmpty(1).Min();

    /// <summary>What a copy between its memory and the host's takes, in microseconds.</summary>
    public double CopyUs(double bytes) => TransferUs + (bytes / TransferGbs / 1e3);
}
