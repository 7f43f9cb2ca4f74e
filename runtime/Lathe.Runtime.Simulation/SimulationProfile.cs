namespace Lathe.Runtime.Simulation;

/// <summary>
/// What a simulated accelerator is like: the profile that the compiler places by, with what fails in addition. The defaults are those of the profile that Lathe has of <c>SIM</c>. Immutable.
/// </summary>
public sealed record SimulationProfile
{
    /// <summary>The environment variable that holds a profile, or the path of a file with one, as <see cref="Of"/> reads it.</summary>
    public const string Variable = "LATHE_SIM";

    /// <summary>Billions of multiply-accumulates in a second by precision; the least of them for others: <c>gmacs</c>.</summary>
    public IReadOnlyDictionary<string, double> Gmacs { get; init; } = new Dictionary<string, double> { ["fp32"] = 400, ["fp16"] = 400, ["bf16"] = 400, ["int8"] = 800 };

    /// <summary>The share of that rate and of <see cref="BandwidthGbs"/> that steps with an operator reach, the least of several; 1 for others: <c>efficiency</c>.</summary>
    public IReadOnlyDictionary<string, double> Efficiency { get; init; } = new Dictionary<string, double>();

    /// <summary>Billions of bytes of its memory that steps read and write in a second: <c>bandwidth_gbs</c>.</summary>
    public double BandwidthGbs { get; init; } = 60;

    /// <summary>What a launch takes beside the kernel's work, in microseconds: <c>launch_us</c>.</summary>
    public double LaunchUs { get; init; } = 10;

    /// <summary>What a copy between its memory and the host's takes beside the bytes, in microseconds: <c>transfer_us</c>.</summary>
    public double TransferUs { get; init; } = 20;

    /// <summary>Billions of bytes in a second in such a copy: <c>transfer_gbs</c>.</summary>
    public double TransferGbs { get; init; } = 8;

    /// <summary>The bytes of its memory, for weights and requests; 0 where that is no limit: <c>memory_bytes</c>.</summary>
    public long MemoryBytes { get; init; }

    /// <summary>How many requests keep it busy: <c>requests</c>.</summary>
    public int Requests { get; init; } = 2;

    /// <summary>The ONNX operators that it does not run: <c>unsupported</c>.</summary>
    public IReadOnlyList<string> Unsupported { get; init; } = [];

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
    /// A JSON object, or the path of a file with one: the fields above, with those of the compiler's profiles that say nothing here (<c>device</c>, <c>origin</c>, <c>queues</c>); or an object whose
    /// <c>devices</c> are such, of which that of <c>SIM</c> counts.
    /// </param>
    /// <exception cref="LatheException">LATHE0520: it cannot be read.</exception>
    public static SimulationProfile Of(string text) => SimulationProfileFormat.Read(text);

    /// <summary>What a kernel takes, in microseconds.</summary>
    /// <param name="rate">See <see cref="RateOf"/>.</param>
    /// <param name="share">See <see cref="ShareOf"/>.</param>
    /// <param name="macs">Its multiply-accumulates.</param>
    /// <param name="bytes">The bytes that it reads and writes.</param>
    internal double LaunchTime(double rate, double share, long macs, long bytes) => LaunchUs + Math.Max(macs / rate / 1e3, bytes / (BandwidthGbs * share) / 1e3);

    /// <summary>What a copy takes, in microseconds.</summary>
    internal double TransferTime(long bytes) => TransferUs + (bytes / TransferGbs / 1e3);

    /// <summary>Billions of multiply-accumulates in a second.</summary>
    /// <param name="operators">The names of a step's operators, joined with '+'.</param>
    /// <param name="precision">What it computes with.</param>
    internal double RateOf(string operators, string precision) =>
        (Gmacs.TryGetValue(precision, out double rate) ? rate : Gmacs.Values.Min()) * ShareOf(operators);

    /// <summary>The share of its rates that a step reaches.</summary>
    /// <param name="operators">The names of the step's operators, joined with '+'.</param>
    internal double ShareOf(string operators) => Efficiency.Count == 0 ? 1 : operators.Split('+').Where(Efficiency.ContainsKey).Select(op => Efficiency[op]).DefaultIfEmpty(1).Min();
}
