using Lathe.Runtime.Execution;
using Lathe.Runtime.Plans;

namespace Lathe.Runtime.Tests.Execution;

public sealed class TeamTests
{
    private const int Columns = 37;

    [Test]
    public void Infer_AnyNumberOfThreads_GivesTheSameBits([Values(1, 2, 3, 7, 64, 1001)] int rows)
    {
        float[] expected = Run(rows, threads: 1, new Team(1));
        foreach (int threads in new[] { 2, 3, 4, 8 })
        {
            Team team = new(threads);
            for (int round = 0; round < 20; round++) Assert.That(Run(rows, threads, team), Is.EqualTo(expected), $"{threads} threads");
        }
    }

    [Test]
    public void Infer_ManyCallersOfOneTeam_AllGetTheirResults()
    {
        Team team = new(4);
        float[] expected = Run(100, threads: 1, team);
        Task[] callers = [.. Enumerable.Range(0, 6).Select(_ => Task.Factory.StartNew(() =>
        {
            using Prepared prepared = new(100, threads: 4, team);
            for (int i = 0; i < 3000; i++)
            {
                prepared.Outputs.Clear();
                prepared.Executor.Run(CancellationToken.None);
                if (!prepared.Outputs.SequenceEqual(expected)) throw new AssertionException($"inference {i} is wrong");
            }
        }, TaskCreationOptions.LongRunning))];
        Assert.That(Task.WaitAll(callers, TimeSpan.FromSeconds(60)), Is.True);
    }

    [Test]
    public void Infer_AfterPauses_WakesParkedWorkers()
    {
        Team team = new(3);
        float[] expected = Run(100, threads: 1, team);
        using Prepared prepared = new(100, threads: 3, team);
        for (int i = 0; i < 40; i++)
        {
            Thread.Sleep(i % 4);
            prepared.Outputs.Clear();
            prepared.Executor.Run(CancellationToken.None);
            Assert.That(prepared.Outputs.SequenceEqual(expected), Is.True);
        }
    }

    [Test]
    public void Infer_Divided_AllocatesNothing()
    {
        using Prepared prepared = new(100, threads: 3, new Team(3));
        Assert.That(Allocations.Least(() => Repeat(1000)) / 1000, Is.Zero);

        void Repeat(int count)
        {
            for (int i = 0; i < count; i++) prepared.Executor.Run(CancellationToken.None);
        }
    }

    [Test]
    public void Infer_MoreCallersThanProcessors_GetNoHelpers()
    {
        Team team = new(2);
        team.Enter();
        using Prepared prepared = new(100, threads: 2, team);
        prepared.Executor.Run(CancellationToken.None);
        Assert.That(team.WorkerCount, Is.Zero);
        team.Leave();
        prepared.Executor.Run(CancellationToken.None);
        Assert.That(team.WorkerCount, Is.EqualTo(1));
    }

    [Test]
    public void Infer_SliceThatFails_IsReportedAndTheTeamGoesOn([Values(TestKernels.Fail, TestKernels.Throw)] int kernel)
    {
        Team team = new(3);
        using Prepared bad = new(100, threads: 3, team, kernel), good = new(100, threads: 3, team);
        for (int i = 0; i < 100; i++)
        {
            Assert.That(() => bad.Executor.Run(CancellationToken.None), Throws.TypeOf<LatheException>().With.Property("Id").EqualTo("LATHE0507"));
            good.Executor.Run(CancellationToken.None);
        }

        Assert.That(good.Outputs.SequenceEqual(Run(100, threads: 1, team)), Is.True);
    }

    [TestCase(1, 100, 1)]
    [TestCase(8, 5, 5)]
    [TestCase(8, 100, 8)]
    public void Slices_OfMuchWork_AreAsManyAsThreadsAndExtentAllow(int threads, long extent, int expected) =>
        Assert.That(WorkEstimate.Slices(1L << 40, 0, extent, threads), Is.EqualTo(expected));

    [Test]
    public void Slices_OfLittleWork_IsOne() => Assert.That(WorkEstimate.Slices(1000, 1000, 100, 8), Is.EqualTo(1));

    private static float[] Run(int rows, int threads, Team team)
    {
        using Prepared prepared = new(rows, threads, team);
        prepared.Executor.Run(CancellationToken.None);
        return prepared.Outputs.ToArray();
    }

    /// <summary>Sums of rows through scratch memory, with so much claimed work that they are divided.</summary>
    private sealed class Prepared : IDisposable
    {
        private readonly RequestProgram _program;

        public Prepared(int rows, int threads, Team team, int function = TestKernels.ScratchSum)
        {
            PlanBuilder builder = new();
            int x = builder.Input("x", rows, Columns), y = builder.Output("y", rows);
            int kernel = builder.Kernel(function, PlanBuilder.Dim(0), PlanBuilder.Times(PlanBuilder.Dim(1), 4));
            builder.Steps.Add(builder.Step("sum", kernel, [rows, Columns], y, x) with { Macs = 1L << 40 });
            Plan plan = builder.Build();
            TestModule module = new(plan, []);
            ModelCode code = ModelCode.Choose(module, plan, null);
            _program = ProgramBuilder.Build(code, Weights.Load(module, 0, []), [], threads, []);
            PseudoRandomFill.Fill(_program.Inputs[0].Span, ElementType.Float32, "x");
            Executor = new HostExecutor(_program, threads, profiling: false, flushDenormals: false, team, (_, _) => false);
        }

        public Executor Executor { get; }

        public Span<float> Outputs => _program.Outputs[0].As<float>();

        public void Dispose() => _program.Dispose();
    }
}
