namespace Lathe.Runtime;

/// <summary>
/// What the runtime throws when a model cannot be loaded or run: a kernel assembly that is not one, a corrupt plan, missing weights, an
/// instruction set that is not there, sizes that do not fit memory, a kernel that reports an error. Mistakes in a call are
/// <see cref="ArgumentException"/>, <see cref="ObjectDisposedException"/> and <see cref="InvalidOperationException"/> as usual.
/// </summary>
public sealed class LatheException : Exception
{
    /// <summary>Takes the id, the message without the id, and what caused it.</summary>
    public LatheException(string id, string message, Exception? innerException = null)
        : base(message, innerException) => Id = id;

    /// <summary>The id of the kind of error, such as <c>LATHE0503</c>; the runtime's are 0501 to 0599.</summary>
    public string Id { get; }

    /// <inheritdoc/>
    public override string ToString() => $"{Id}: {base.ToString()}";
}
