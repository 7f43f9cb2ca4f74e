namespace Lathe.Kernels.Loops.Interpretation;

/// <summary>A program did what no program may do. The message names the statement and the loop variables at the time.</summary>
public sealed class InterpreterException : Exception
{
    /// <summary>Makes one.</summary>
    public InterpreterException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
