using System.Globalization;
using System.Numerics;
using Lathe.Runtime.Plans;

namespace Lathe.Runner;

/// <summary>The command line, as the top of Program.cs describes it.</summary>
internal sealed class RunnerOptions
{
    public string Assembly { get; private set; } = "";

    public Dictionary<string, string> Inputs { get; } = [];

    public Dictionary<string, long> Dims { get; } = [];

    public ulong Seed { get; private set; } = 1;

    public int Threads { get; private set; } = 1;

    public int Streams { get; private set; } = 1;

    public int Requests { get; private set; }

    public bool Async { get; private set; }

    public double Seconds { get; private set; } = 5;

    /// <summary>How many inferences are measured; null where time decides.</summary>
    public int? Iterations { get; private set; }

    public int Warmup { get; private set; } = 3;

    public Isa? Isa { get; private set; }

    public bool? FlushDenormals { get; private set; }

    public bool Profiling { get; private set; }

    /// <summary>True if a device that is missing or fails is an error, whatever the model was compiled with.</summary>
    public bool RequireDevice { get; private set; }

    public string? Dump { get; private set; }

    /// <exception cref="UsageException">The arguments are wrong.</exception>
    public static RunnerOptions Parse(ReadOnlySpan<string> arguments)
    {
        RunnerOptions options = new();
        for (int i = 0; i < arguments.Length; i++)
        {
            string argument = arguments[i];
            if (argument == "-pc") options.Profiling = true;
            else if (argument == "--require-device") options.RequireDevice = true;
            else if (!argument.StartsWith('-') && options.Assembly.Length == 0) options.Assembly = argument;
            else if (i + 1 < arguments.Length) options.Set(argument, arguments[++i]);
            else throw new UsageException($"{argument} wants a value or is unknown.");
        }

        if (options.Assembly.Length == 0) throw new UsageException("Which assembly?");
        if (options.Requests == 0) options.Requests = options.Streams;
        if (options.Requests < options.Streams) throw new UsageException("Every stream wants a request of its own.");
        return options;
    }

    private static T Number<T>(string option, string text, T minimum)
        where T : struct, INumber<T> => T.TryParse(text, NumberStyles.Number, CultureInfo.InvariantCulture, out T value) && value >= minimum
        ? value
        : throw new UsageException($"{option} wants a number from {minimum}, not '{text}'.");

    private static (string Name, string Value) Pair(string option, string text)
    {
        // Names of tensors may hold '=', files and numbers rather not.
        int equals = text.LastIndexOf('=');
        return equals > 0 ? (text[..equals], text[(equals + 1)..]) : throw new UsageException($"{option} wants NAME=VALUE, not '{text}'.");
    }

    private void Set(string option, string value)
    {
        switch (option)
        {
            case "--input":
                (string input, string file) = Pair(option, value);
                Inputs[input] = file;
                break;
            case "--dim":
                (string dim, string number) = Pair(option, value);
                Dims[dim] = Number(option, number, 0L);
                break;
            case "--seed": Seed = Number(option, value, 0UL); break;
            case "--threads": Threads = Number(option, value, 1); break;
            case "--streams": Streams = Number(option, value, 1); break;
            case "--requests": Requests = Number(option, value, 1); break;
            case "--api": Async = value switch { "sync" => false, "async" => true, _ => throw new UsageException("--api is sync or async.") }; break;
            case "--seconds": Seconds = Number(option, value, 0.0); break;
            case "--iterations": Iterations = Number(option, value, 0); break;
            case "--warmup": Warmup = Number(option, value, 0); break;
            case "--isa": Isa = Isas.TryParse(value, out Isa isa) ? isa : throw new UsageException("--isa is avx512, avx2 or vector128."); break;
            case "--denormals":
                FlushDenormals = value switch { "flush" => true, "keep" => false, _ => throw new UsageException("--denormals is flush or keep.") };
                break;
            case "--dump": Dump = value; break;
            default: throw new UsageException($"There is no option {option}.");
        }
    }
}
