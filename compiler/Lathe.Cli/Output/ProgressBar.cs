using System.Runtime.ExceptionServices;
using Spectre.Console;

namespace Lathe.Cli.Output;

/// <summary>Shows how far work has come, on a terminal and only if it takes longer than a second.</summary>
internal static class ProgressBar
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Refresh = TimeSpan.FromMilliseconds(100);

    /// <summary>Does the work on a thread of its own and returns or throws what it does.</summary>
    public static T Around<T>(Terminal terminal, string title, Func<IProgress<(string Stage, double Share)>, T> work)
    {
        Latest latest = new() { Value = (title, 0) };
        T? result = default;
        ExceptionDispatchInfo? failure = null;
        Thread thread = DeepStack.Run(title, Do);
        if (!terminal.IsInteractive) thread.Join();
        else if (!thread.Join(Patience)) Show(terminal, latest, thread);
        failure?.Throw();
        return result!;

        void Do()
        {
            try
            {
                result = work(latest);
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        }
    }

    private static void Show(Terminal terminal, Latest latest, Thread thread) =>
        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(terminal.Error) }).Progress().AutoClear(true).Columns(
            new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
            .Start(context =>
            {
                ProgressTask task = context.AddTask(Markup.Escape(latest.Value.Stage), maxValue: 1);
                while (!thread.Join(Refresh))
                {
                    (string stage, double share) = latest.Value;
                    task.Description = Markup.Escape(Terminal.Clean(stage));
                    task.Value = share;
                }
            });

    /// <summary>What was reported last. Written by the work's thread, read by the one that draws.</summary>
    private sealed class Latest : IProgress<(string Stage, double Share)>
    {
        private volatile object _value = ("", 0.0);

        public (string Stage, double Share) Value
        {
            get => ((string, double))_value;
            init => _value = value;
        }

        public void Report((string Stage, double Share) value) => _value = value;
    }
}
