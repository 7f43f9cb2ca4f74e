// Runs or measures a model that `lathe compile` made, in a process that holds only the runtime and the model.
//
//   dotnet Lathe.Runner.dll ASSEMBLY [options]
//
//   --input NAME=FILE     raw little-endian row-major elements of an input; inputs not given are filled as PseudoRandomFill says
//   --dim NAME=N          the value of a named dim (default: the model's)
//   --seed K              of the fill (1)
//   --threads N           the most threads of one inference (1)
//   --streams S           how many threads run inferences at the same time, each with requests of its own (1)
//   --requests R          how many requests there are, dealt out to the streams in turn (S)
//   --api sync|async      Infer, or InferAsync with all requests in flight; then the runtime's threads run them (sync)
//   --seconds T           how long to measure (5)
//   --iterations K        how many inferences to measure instead, in total; 0: only the first one
//   --warmup W            inferences of each request before measuring, the first one not counted (3)
//   --isa NAME            avx512, avx2 or vector128 (LATHE_ISA, else the best)
//   --denormals WORD      flush or keep (what was compiled in)
//   --require-device      a device that is missing or fails is an error (what was compiled in)
//   -pc                   measure each layer and, in between, the machine's peak
//   --dump DIR            write manifest.json, in_<i>.bin and out_<i>.bin of the first inference
//
// On stdout one line of JSON:
//   model, isa, threads, streams, requests, api, iterations, latency_ms {min, median, p90, p99}, throughput (1/s), load_ms, first_inference_ms,
//   peak_rss_mb, allocated_bytes_per_inference, arena_bytes, weight_bytes, warnings [], inputs [{name, dtype, shape}],
//   outputs [{name, dtype, shape}], ran {devices, kernels, isa, precisions, fallbacks [{node, reason}]};
//   with a simulated accelerator also simulated_ms {min, median, p90, p99};
//   with -pc also peak_gflops (of one core) and
//   layers [{name, op, kernel, device, isa, precision, layout, ms, macs, gflops, peak_share, bytes, count, subgraph}], ms being the fastest execution and
//   peak_share the part of what all threads could do. latency_ms, throughput and allocated_bytes_per_inference are null where nothing was measured.
// Exit 0: done; 1: failed, explained on stderr as `error LATHE0000: message`; 2: wrong usage.
using System.Text.Json;
using Lathe.Runtime;

namespace Lathe.Runner;

internal static class Program
{
    private static int Main(string[] arguments)
    {
        try
        {
            RunnerOptions options = RunnerOptions.Parse(arguments);
            using Session session = Session.Open(options);
            session.First();
            if (options.Dump is not null) Dump.Write(options.Dump, session);
            Measurement? measurement = options.Iterations == 0 ? null : Measurement.Of(session);
            using Stream stdout = Console.OpenStandardOutput();
            using (Utf8JsonWriter json = new(stdout)) Report.Write(json, session, measurement);
            stdout.WriteByte((byte)'\n');
            return 0;
        }
        catch (UsageException e)
        {
            Console.Error.WriteLine($"error: {e.Message}");
            return 2;
        }
        catch (LatheException e)
        {
            Console.Error.WriteLine($"error {e.Id}: {e.Message}");
            return 1;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            Console.Error.WriteLine($"error: {e.Message}");
            return 1;
        }
    }
}
