using Lathe.Kernels.Loops;

namespace Lathe.Kernels.Tests;

/// <summary>Random expressions: what the normal form makes of them has the value that they have.</summary>
public sealed class IndexExprPropertyTests
{
    private const int Expressions = 4000, Points = 12;

    private static readonly IndexVar[] Variables =
    [
        new("a", 0, 3), new("b", 0, 15), new("c", 0, 100), new("d", 1, 9), new("e", -4, 4), new("f", 16, 17), new("g", 0, long.MaxValue), new("h", -3, -1),
    ];

    /// <summary>An expression beside its plain meaning. The meaning notes in the point if it divides a negative number.</summary>
    private sealed record Sample(IndexExpr Expression, Func<Point, long> Meaning);

    private sealed class Point(Random random)
    {
        private readonly Dictionary<string, long> _values = Variables.ToDictionary(v => v.Name, v => random.NextInt64(v.Min, Math.Min(v.Max, 5000) + 1));

        public bool DividesNegative { get; set; }

        public long this[IndexVar variable] => _values[variable.Name];

        public long FloorDiv(long a, long b)
        {
            DividesNegative |= a < 0;
            return (long)Math.Floor((decimal)a / b);
        }
    }

    [Test]
    public void Evaluate_RandomExpression_HasItsValueAndLiesInItsRange()
    {
        Random random = new(1);
        for (int n = 0; n < Expressions; n++)
        {
            Sample sample = Make(random, depth: 4);
            for (int i = 0; i < Points; i++)
            {
                Point point = new(random);
                long expected = sample.Meaning(point);
                Assert.That(sample.Expression.Evaluate(v => point[v]), Is.EqualTo(expected), () => sample.Expression.ToString());
                if (point.DividesNegative) continue;
                IndexRange range = sample.Expression.Range;
                Assert.That(expected, Is.InRange(range.Min, range.Max), () => sample.Expression.ToString());
            }
        }
    }

    [Test]
    public void Simplify_NonNegativeOperands_LeavesThemNonNegative()
    {
        Random random = new(2);
        int divided = 0;
        for (int n = 0; n < Expressions; n++)
        {
            Sample sample = Make(random, depth: 4);
            for (int i = 0; i < Points; i++)
            {
                Point point = new(random);
                sample.Meaning(point);
                if (point.DividesNegative) continue;
                foreach (IndexTerm term in sample.Expression.Terms)
                    foreach (IndexAtom atom in term.Atoms) divided += CheckOperands(atom, point);
            }
        }

        Assert.That(divided, Is.GreaterThan(Expressions), "the property is tested");
    }

    [Test]
    public void Substitute_RandomReplacement_IsEvaluationAtTheReplacement()
    {
        Random random = new(3);
        for (int n = 0; n < Expressions; n++)
        {
            Sample sample = Make(random, depth: 4), replacement = Make(random, depth: 2);
            IndexVar variable = Variables[random.Next(Variables.Length)];
            for (int i = 0; i < Points; i++)
            {
                Point point = new(random);
                long inner = replacement.Meaning(point);

                // A replacement outside the variable's range would break what simplification was told.
                if (inner < variable.Min || inner > variable.Max) continue;
                long expected = sample.Expression.Evaluate(v => v == variable ? inner : point[v]);
                IndexExpr substituted = sample.Expression.Substitute(variable, inner);
                Assert.That(substituted.Evaluate(v => point[v]), Is.EqualTo(expected), () => $"{sample.Expression} with {variable} = {inner}");
                Assert.That(substituted.DependsOn(variable), Is.False);
                if (replacement.Expression.Range.Min < variable.Min || replacement.Expression.Range.Max > variable.Max) continue;
                substituted = sample.Expression.Substitute(variable, replacement.Expression);
                Assert.That(substituted.Evaluate(v => point[v]), Is.EqualTo(expected), () => $"{sample.Expression} with {variable} = {replacement.Expression}");
            }
        }
    }

    [Test]
    public void Arithmetic_Laws_HoldAsEqualityOfNormalForms()
    {
        Random random = new(4);
        for (int n = 0; n < 1000; n++)
        {
            IndexExpr a = Make(random, 3).Expression, b = Make(random, 3).Expression, c = Make(random, 2).Expression;
            Assert.Multiple(() =>
            {
                Assert.That(a + b, Is.EqualTo(b + a));
                Assert.That(a * b, Is.EqualTo(b * a));
                Assert.That(a - a, Is.EqualTo(IndexExpr.Zero));
                Assert.That((a + b).GetHashCode(), Is.EqualTo((b + a).GetHashCode()));
                Assert.That((a + b).ToString(), Is.EqualTo((b + a).ToString()));
                Assert.That(IndexExpr.Min(a, b), Is.EqualTo(IndexExpr.Min(b, a)));
                Assert.That(IndexExpr.FromTerms(a.Terms.Reverse()), Is.EqualTo(a));
                Assert.That(a == b, Is.EqualTo(a.ToString() == b.ToString()), $"{a} and {b}");
            });
        }
    }

    /// <summary>How many quotients and remainders it evaluates, none of a negative number.</summary>
    private static int CheckOperands(IndexAtom atom, Point point)
    {
        int count = 0;
        void Check(IndexExpr expression)
        {
            foreach (IndexTerm term in expression.Terms)
                foreach (IndexAtom inner in term.Atoms) count += CheckOperands(inner, point);
        }

        long Value(IndexExpr expression) => expression.Evaluate(v => point[v]);
        switch (atom)
        {
            case IndexDiv or IndexMod:
                (IndexExpr operand, IndexExpr divisor) = atom is IndexDiv div ? (div.Operand, div.Divisor) : (((IndexMod)atom).Operand, ((IndexMod)atom).Divisor);
                Check(operand);
                Check(divisor);
                Assert.That(Value(operand), Is.Not.Negative, () => atom.ToString());
                count++;
                break;
            case IndexMin least:
                Check(least.A);
                Check(least.B);
                break;
            case IndexMax greatest:
                Check(greatest.A);
                Check(greatest.B);
                break;
            case IndexSelect choice:
                Check(choice.A);
                Check(choice.B);
                Check(Value(choice.A) < Value(choice.B) ? choice.Then : choice.Else);
                break;
        }

        return count;
    }

    private static Sample Make(Random random, int depth)
    {
        if (depth == 0 || random.Next(6) == 0)
        {
            if (random.Next(3) == 0)
            {
                long constant = random.Next(4) == 0 ? random.Next(-40, 40) : random.Next(0, 5) * 4;
                return new Sample(constant, _ => constant);
            }

            IndexVar variable = Variables[random.Next(Variables.Length)];
            return new Sample(variable, p => p[variable]);
        }

        Sample a = Make(random, depth - 1);
        switch (random.Next(9))
        {
            case 0 or 1:
                {
                    Sample b = Make(random, depth - 1);
                    return new Sample(a.Expression + b.Expression, p => a.Meaning(p) + b.Meaning(p));
                }

            case 2:
                {
                    Sample b = Make(random, depth - 1);
                    return new Sample(a.Expression - b.Expression, p => a.Meaning(p) - b.Meaning(p));
                }

            case 3:
                {
                    long factor = random.Next(2, 20);
                    return new Sample(a.Expression * factor, p => a.Meaning(p) * factor);
                }

            case 4:
                {
                    Sample b = Make(random, depth: 1);
                    return new Sample(a.Expression * b.Expression, p => a.Meaning(p) * b.Meaning(p));
                }

            case 5:
                {
                    (Sample b, Sample q) = (Divisor(random), a);
                    return new Sample(q.Expression / b.Expression, p => p.FloorDiv(q.Meaning(p), b.Meaning(p)));
                }

            case 6:
                {
                    (Sample b, Sample q) = (Divisor(random), a);
                    return new Sample(q.Expression % b.Expression, p => q.Meaning(p) - (p.FloorDiv(q.Meaning(p), b.Meaning(p)) * b.Meaning(p)));
                }

            case 7:
                {
                    Sample b = Make(random, depth - 1);
                    return random.Next(2) == 0
                        ? new Sample(IndexExpr.Min(a.Expression, b.Expression), p => Math.Min(a.Meaning(p), b.Meaning(p)))
                        : new Sample(IndexExpr.Max(a.Expression, b.Expression), p => Math.Max(a.Meaning(p), b.Meaning(p)));
                }

            default:
                {
                    Sample b = Make(random, depth - 1), then = Make(random, depth - 1), otherwise = Make(random, depth - 1);
                    return new Sample(
                        IndexExpr.IfLess(a.Expression, b.Expression, then.Expression, otherwise.Expression),
                        p => a.Meaning(p) < b.Meaning(p) ? then.Meaning(p) : otherwise.Meaning(p));
                }
        }
    }

    /// <summary>A constant, mostly one with many divisors, or a variable that is positive.</summary>
    private static Sample Divisor(Random random)
    {
        if (random.Next(5) == 0)
        {
            IndexVar variable = Variables[random.Next(2) == 0 ? 3 : 5];
            long factor = random.Next(1, 4);
            return new Sample(variable * factor, p => p[variable] * factor);
        }

        long[] common = [2, 3, 4, 6, 8, 12, 16, 24];
        long constant = random.Next(4) == 0 ? random.Next(1, 30) : common[random.Next(common.Length)];
        return new Sample(constant, _ => constant);
    }
}
