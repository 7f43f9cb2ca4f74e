using Lathe.Cli.Bench;

namespace Lathe.Cli.Tests.Bench;

public sealed class BenchSettingsTests
{
    [Test]
    public void Defaults_AreOneOfEach() => Assert.That(
        BenchSettings.Of(null, null, null, null, null, null, null, false, null, 8), Is.EqualTo(new BenchSettings(false, 1, 1, 1, null, 5, null, false, null)));

    [Test]
    public void LatencyHint_GivesOneInferenceAllProcessors() => Assert.That(
        BenchSettings.Of(null, null, null, null, null, null, null, false, "latency", 8), Is.EqualTo(new BenchSettings(false, 8, 1, 1, null, 5, null, false, "latency")));

    [Test]
    public void ThroughputHint_GivesEachStreamItsThreads() => Assert.That(
        BenchSettings.Of("async", 2, null, null, 4, 1, 100, true, "throughput", 8), Is.EqualTo(new BenchSettings(true, 2, 4, 4, 4, 1, 100, true, "throughput")));

    [Test]
    public void WhatIsGiven_WinsOverTheHint() => Assert.That(
        BenchSettings.Of(null, 3, 1, 5, null, null, null, false, "throughput", 8), Is.EqualTo(new BenchSettings(false, 3, 1, 5, null, 5, null, false, "throughput")));

    [Test]
    public void FewerRequestsThanStreams_IsWrongUsage() =>
        Assert.That(() => BenchSettings.Of(null, null, 4, 3, null, null, null, false, null, 8), Throws.InstanceOf<UsageException>());
}
