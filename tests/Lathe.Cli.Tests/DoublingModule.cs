using Lathe.Cli.Tests;
using Lathe.Runtime;
using Lathe.Runtime.Plans;

[assembly: CompiledModule(typeof(DoublingModule))]

namespace Lathe.Cli.Tests;

/// <summary>Makes this assembly a compiled model, so that commands can be tested without the compiler: y[N,3] = 2 * x[N,3] for N from 1 to 64.</summary>
public sealed unsafe class DoublingModule : CompiledModule
{
    public const string Node = "double";

    public override int Version => Runtime.Plans.Plan.Version;

    public override string? WeightsFile => null;

    /// <summary>The path of the compiled model.</summary>
    public static string Path => typeof(DoublingModule).Assembly.Location;

    private static Plan Plan
    {
        get
        {
            SizeExpression n = new([new(SizeExpression.Code.Dim, 0)]);
            SizeExpression count = Times(n, 3), bytes = Times(n, 12);
            PlanKernel kernel = new("twice", [.. Enum.GetValues<Isa>().Select(isa => new PlanVariant(isa, 0, 0, count))]);
            return new Plan(
                "doubling",
                [new PlanSymbol("N", 1, 64, 1)],
                [new PlanTensor("x", ElementType.Float32, [n, 3], 0)],
                [new PlanTensor("y", ElementType.Float32, [n, 3], 1)],
                [new PlanBuffer(BufferKind.Input, 0, 0, bytes), new PlanBuffer(BufferKind.Output, 0, 0, bytes)],
                [kernel],
                [new KernelStep(Node, "Mul", 0, [1, 0], [n], "fp32", "N,C", count, Times(n, 24))],
                0,
                0);
        }
    }

    public override Stream OpenPlan() => new MemoryStream(PlanFormat.Write(Plan));

    public override Stream? OpenWeights() => new MemoryStream();

    public override nint GetFunction(int index) => (nint)(delegate*<byte**, nint*, nint, nint, byte*, int>)&Twice;

    private static SizeExpression Times(SizeExpression a, long b) =>
        new([.. a.Instructions, new(SizeExpression.Code.Constant, b), new(SizeExpression.Code.Multiply)]);

    private static int Twice(byte** buffers, nint* dims, nint from, nint to, byte* scratch)
    {
        float* y = (float*)buffers[0], x = (float*)buffers[1];
        for (nint i = from; i < to; i++) y[i] = 2 * x[i];
        return 0;
    }
}
