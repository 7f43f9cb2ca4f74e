namespace Lathe.Cli;

/// <summary>Ends a command because it was called wrongly: exit code 2.</summary>
internal sealed class UsageException(string message) : Exception(message);
