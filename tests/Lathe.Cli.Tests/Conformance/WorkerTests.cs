using System.Text.Json;
using Lathe.Cli.Conformance;
using Lathe.Cli.Output;

namespace Lathe.Cli.Tests.Conformance;

public sealed class WorkerTests
{
    private static readonly CaseLimits Limits = new(TimeSpan.FromMinutes(1), 1L << 40);

    [Test]
    public void EveryCaseOfAProcessThatEnds_GetsAResult()
    {
        List<CaseResult> results = [];
        using Worker worker = new(["no-such-command"], Limits, results.Add);
        worker.Run([new("node/a", "a"), new("node/b", "b"), new("node/c", "c")], CancellationToken.None);
        Assert.That(results.Select(result => result.Name), Is.EqualTo(new[] { "node/a", "node/b", "node/c" }));
        Assert.That(results.Select(result => result.Reason), Is.All.StartsWith("the process ended with code 2: "));
    }

    [Test]
    public void Serve_AnswersEachBatch()
    {
        TestCase test = new("node/a", "a");
        using StringReader input = new($"{JsonSerializer.Serialize<TestCase[]>([test])}\n");
        using StringWriter output = new();
        Worker.Serve(input, output, (batch, report) =>
        {
            Assert.That(batch, Is.EqualTo(new[] { test }));
            report(new WorkerMessage(WorkerStage.Running, 0, new CaseResult(test.Name, CaseResult.Passed, null)));
        });
        WorkerMessage message = JsonSerializer.Deserialize<WorkerMessage>(output.ToString(), JsonLine.Options)!;
        Assert.That(message.Result, Is.EqualTo(new CaseResult("node/a", CaseResult.Passed, null)));
    }
}
