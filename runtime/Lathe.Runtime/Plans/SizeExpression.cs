namespace Lathe.Runtime.Plans;

/// <summary>
/// A size, offset or extent as a function of the model's named dims, kept as postfix code so that it can be stored and
/// evaluated without a parser. Immutable and safe for concurrent use.
/// </summary>
public sealed class SizeExpression : IEquatable<SizeExpression>
{
    /// <summary>The operators; all act on 64-bit integers. Division and remainder are those of non-negative operands.</summary>
    public enum Code : byte
    {
        /// <summary>Pushes the operand.</summary>
        Constant,

        /// <summary>Pushes the named dim whose number is the operand.</summary>
        Dim,

        /// <summary>Pops b and a, pushes a + b.</summary>
        Add,

        /// <summary>Pops b and a, pushes a * b.</summary>
        Multiply,

        /// <summary>Pops b and a, pushes a / b.</summary>
        Divide,

        /// <summary>Pops b and a, pushes a mod b.</summary>
        Modulo,

        /// <summary>Pops b and a, pushes the smaller.</summary>
        Min,

        /// <summary>Pops b and a, pushes the larger.</summary>
        Max,

        /// <summary>Pops d, c, b and a, pushes c where a is less than b, otherwise d.</summary>
        Select,
    }

    /// <summary>One instruction: an operator and, for the first two, its operand.</summary>
    public readonly record struct Instruction(Code Code, long Operand = 0);

    private readonly Instruction[] _code;

    /// <summary>Takes postfix code that leaves exactly one value.</summary>
    /// <exception cref="FormatException">The code underflows the stack, leaves other than one value, or names an unknown operator.</exception>
    public SizeExpression(IReadOnlyList<Instruction> code)
        : this([.. code])
    {
    }

    /// <summary>Takes an array that nobody else holds: what loading a model goes through, and without generic code that would be compiled then.</summary>
    internal SizeExpression(Instruction[] code)
    {
        _code = code;
        int depth = 0;
        foreach (Instruction instruction in _code)
        {
            if (instruction.Code > Code.Select) throw new FormatException("A size expression has an unknown operator.");
            depth += instruction.Code <= Code.Dim ? 1 : instruction.Code == Code.Select ? -3 : -1;
            if (depth < 1) throw new FormatException("A size expression takes an operand that is not there.");
        }

        if (depth != 1) throw new FormatException("A size expression leaves more than one value.");
    }

    /// <summary>The postfix code.</summary>
    public IReadOnlyList<Instruction> Instructions => _code;

    /// <summary>The same, to be read only: an interface of a list of values is code that the JIT would compile while a model is loaded.</summary>
    internal Instruction[] Postfix => _code;

    /// <summary>True if the value does not depend on any dim.</summary>
    public bool IsConstant => _code.Length == 1 && _code[0].Code == Code.Constant;

    /// <summary>A constant.</summary>
    public static implicit operator SizeExpression(long value) => new([new Instruction(Code.Constant, value)]);

    /// <summary>The value for the given dims.</summary>
    /// <param name="dims">The values of the model's named dims, in the plan's order.</param>
    /// <exception cref="OverflowException">An intermediate value does not fit 64 bits.</exception>
    /// <exception cref="IndexOutOfRangeException">The expression names a dim that is not given.</exception>
    public long Evaluate(ReadOnlySpan<long> dims)
    {
        if (_code.Length == 1 && _code[0].Code == Code.Constant) return _code[0].Operand;
        Span<long> stack = _code.Length <= 64 ? stackalloc long[64] : new long[_code.Length];
        int top = -1;
        foreach (Instruction instruction in _code)
        {
            switch (instruction.Code)
            {
                case Code.Constant: stack[++top] = instruction.Operand; continue;
                case Code.Dim: stack[++top] = dims[checked((int)instruction.Operand)]; continue;
                case Code.Select:
                    top -= 3;
                    stack[top] = stack[top] < stack[top + 1] ? stack[top + 2] : stack[top + 3];
                    continue;
            }

            long b = stack[top--], a = stack[top];
            stack[top] = instruction.Code switch
            {
                Code.Add => checked(a + b),
                Code.Multiply => checked(a * b),
                Code.Divide => a / b,
                Code.Modulo => a % b,
                Code.Min => Math.Min(a, b),
                _ => Math.Max(a, b),
            };
        }

        return stack[0];
    }

    /// <inheritdoc/>
    public bool Equals(SizeExpression? other) => other is not null && _code.AsSpan().SequenceEqual(other._code);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as SizeExpression);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        foreach (Instruction instruction in _code) hash.Add(instruction);
        return hash.ToHashCode();
    }
}
