namespace Lathe.Cli;

/// <summary>The entry point of <c>lathe</c>.</summary>
internal static class Program
{
    private static int Main(string[] args) => LatheCommand.Run(args, Console.Out, Console.Error);
}
