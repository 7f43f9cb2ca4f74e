using System.CommandLine;

namespace Lathe.Cli.Commands;

/// <summary>How commands are made to do something.</summary>
internal static class Actions
{
    /// <summary>
    /// What a command does, as a function that gives its exit code. Ctrl+C cancels the token; the function runs beside the thread that waits for
    /// the signal, so that it can end in order.
    /// </summary>
    public static Command Does(this Command command, Func<ParseResult, CancellationToken, int> action)
    {
        command.SetAction((parsed, cancellation) => Task.Run(() => action(parsed, cancellation), CancellationToken.None));
        return command;
    }

    /// <summary>The argument that names the model.</summary>
    public static Argument<string> ModelArgument(string description) => new("MODEL") { Description = description };
}
