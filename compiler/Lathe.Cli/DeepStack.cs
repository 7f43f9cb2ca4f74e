namespace Lathe.Cli;

/// <summary>Threads for the compiler: models may be deep graphs, and a pass that descends into one should not be limited by the usual stack.</summary>
internal static class DeepStack
{
    private const int Bytes = 256 << 20;

    /// <summary>Starts work on such a thread, which does not keep the process alive.</summary>
    public static Thread Run(string name, Action work)
    {
        Thread thread = new(() => work(), Bytes) { IsBackground = true, Name = name };
        thread.Start();
        return thread;
    }
}
