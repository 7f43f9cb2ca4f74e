namespace Lathe.Cli.Conformance;

/// <summary>What a worker says while it does a batch, a line of JSON each: what it does next, or how a case ended.</summary>
/// <param name="Stage">What it does next; also with a result, after which it goes on with the same.</param>
/// <param name="Case">The number of the case in the batch; null where it works on several.</param>
/// <param name="Result">The case's result; null if none is reported.</param>
internal sealed record WorkerMessage(WorkerStage Stage, int? Case, CaseResult? Result)
{
    /// <summary>What a worker that has said nothing does.</summary>
    public static WorkerMessage Initial { get; } = new(WorkerStage.Starting, null, null);
}

/// <summary>What a worker does.</summary>
internal enum WorkerStage
{
    /// <summary>The process starts.</summary>
    Starting,

    /// <summary>The source of a case is made.</summary>
    Compiling,

    /// <summary>An assembly is made of the source of several cases.</summary>
    Emitting,

    /// <summary>A case runs.</summary>
    Running,
}
