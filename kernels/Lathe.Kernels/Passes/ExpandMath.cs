using Lathe.Kernels.Loops;
using Lathe.Runtime;

namespace Lathe.Kernels.Passes;

/// <summary>
/// Replaces exponentials, logarithms, hyperbolic tangents, error functions and sigmoids of float32 by arithmetic, which runs at full vector
/// width and gives the same bits on every machine. Errors, measured over all magnitudes: exp 1.3 ulp, log 1.2 ulp, tanh 2 ulp, sigmoid 2.5 ulp,
/// erf 5 ulp. NaN, infinities, overflow and denormal results are those of the function, but for the sigmoid below -88, which stays at 6e-39. Other functions
/// stay calls.
/// </summary>
public static class ExpandMath
{
    /// <summary>Runs the pass.</summary>
    public static Kernel Run(Kernel kernel) => new Functions(Names.In(kernel)).Run(kernel);

    private sealed class Functions(Names names) : Rewriter
    {
        // The choices around an expression: what may not be read may not be computed before its statement either.
        private readonly Stack<(Expr Condition, bool Then)> _choices = new();
        private List<Statement> _before = [];

        public override Statement Visit(Statement statement)
        {
            if (statement is Sequence or For or Alloc) return base.Visit(statement);
            List<Statement> outer = _before, own = _before = [];
            Forget();
            Statement result = base.Visit(statement);
            _before = outer;
            return own.Count == 0 ? result : Block.Of([.. own, result]);
        }

        protected override Expr Rewrite(Expr expression)
        {
            switch (expression)
            {
                case Select choice when choice.IsUniform():
                    Expr condition = Visit(choice.Condition);
                    return new Select(condition, Under(condition, true, choice.Then), Under(condition, false, choice.Else));
                case Unary { Op: UnaryOp.Exp or UnaryOp.Log or UnaryOp.Tanh or UnaryOp.Erf or UnaryOp.Sigmoid, Type.Element: ElementType.Float32 } e:
                    Expr x = Argument(e);
                    return e.Op switch
                    {
                        UnaryOp.Exp => Exp(x),
                        UnaryOp.Log => Log(x),
                        UnaryOp.Tanh => Tanh(x),
                        UnaryOp.Erf => Erf(x),
                        _ => Divide(F(x, 1), SigmoidDivisor(x)),
                    };
                // x·sigmoid(x), which many networks consist of, is one quotient.
                case Binary { Op: BinaryOp.Multiply, B: Unary { Op: UnaryOp.Sigmoid, Type.Element: ElementType.Float32 } e, A: var factor }:
                    return Divide(Visit(factor), SigmoidDivisor(Argument(e)));
                case Binary { Op: BinaryOp.Multiply, A: Unary { Op: UnaryOp.Sigmoid, Type.Element: ElementType.Float32 } e, B: var factor }:
                    return Divide(Visit(factor), SigmoidDivisor(Argument(e)));
                default:
                    return base.Rewrite(expression);
            }
        }

        private Expr Argument(Unary function)
        {
            Expr x = Visit(function.A);
            foreach ((Expr c, bool then) in _choices) x = then ? new Select(c, x, F(x, 1)) : new Select(c, F(x, 1), x);
            return Name(x);
        }

        private Expr Under(Expr condition, bool then, Expr expression)
        {
            _choices.Push((condition, then));
            Forget();
            Expr result = Visit(expression);
            _choices.Pop();
            Forget();
            return result;
        }

        private Expr Name(Expr value)
        {
            if (value is Var or Const) return value;
            Var name = new(names.Next("t"), value.Type);
            _before.Add(new Let(name.Name, value));
            return name;
        }

        // ── Functions ──────────────────────────────────────────────────────────────────────────────────────────────────

        /// <summary>e^x = 2^n·e^r, with 2^n in two factors, so that denormal results are right.</summary>
        private Expr Exp(Expr x)
        {
            // The constants come first, so that a NaN passes through.
            x = Name(new Binary(BinaryOp.Max, F(x, -104), new Binary(BinaryOp.Min, F(x, 89), x)));
            (Expr shifted, Expr p) = Powers(x, 1);
            Expr power = Name(new Binary(BinaryOp.Subtract, AsInteger(shifted), I(x, 0x4B400000)));
            Expr half = Name(new Binary(BinaryOp.ShiftRight, power, I(x, 1)));
            return Name(Multiply(Multiply(p, PowerOfTwo(half)), PowerOfTwo(new Binary(BinaryOp.Subtract, power, half))));
        }

        /// <summary>1 + e^-x. Inside ±88 the power of two neither overflows nor vanishes, and is added to the exponent at once.</summary>
        private Expr SigmoidDivisor(Expr x)
        {
            x = Name(new Binary(BinaryOp.Max, F(x, -88), new Binary(BinaryOp.Min, F(x, 87), x)));
            (Expr shifted, Expr p) = Powers(x, -1);
            Expr e = AsFloat(new Binary(BinaryOp.Add, AsInteger(Name(p)), new Binary(BinaryOp.ShiftLeft, AsInteger(shifted), I(x, 23))));
            return Add(F(x, 1), e);
        }

        /// <summary>
        /// sign·x = n·ln 2 + r with |r| ≤ ln 2 / 2: n in the lowest bits of a float, and e^r by the polynomial of degree 6 of least relative
        /// error (3e-9). The polynomial takes sign·r, so that a change of sign costs nothing.
        /// </summary>
        private (Expr Shifted, Expr Power) Powers(Expr x, int sign)
        {
            // Adding 1.5·2^23 rounds to an integer, which then stands in the lowest bits.
            Expr shifted = Name(new Fma(x, F(x, sign * 1.44269504088896341), F(x, 12582912)));
            Expr n = Name(Subtract(shifted, F(x, 12582912)));
            Expr r = Name(new Fma(n, F(x, sign * 2.12194440e-4), new Fma(n, F(x, sign * -0.693359375), x)));
            return (shifted, Polynomial(r, 1.3814601953e-3, sign * 8.3687152082e-3, 4.1668387886e-2, sign * 1.6666520645e-1, 4.9999993449e-1, sign, 1));
        }

        /// <summary>x = 2^e·(1 + f) with 1 + f between √½ and √2: ln x = e·ln 2 + ln(1 + f), by a polynomial of degree 11.</summary>
        private Expr Log(Expr x)
        {
            Expr isSmall = Name(new Binary(BinaryOp.Less, x, F(x, 1.17549435e-38)));
            Expr normal = new Select(isSmall, Multiply(x, F(x, 8388608)), x);
            Expr bits = Name(new Binary(BinaryOp.Subtract, AsInteger(normal), I(x, 0x3F3504F3)));
            Expr e = Name(Subtract(
                new Cast(new Binary(BinaryOp.ShiftRight, bits, I(x, 23)), x.Type),
                new Select(isSmall, F(x, 23), F(x, 0))));
            Expr f = Name(Subtract(AsFloat(new Binary(BinaryOp.Add, new Binary(BinaryOp.And, bits, I(x, 0x7FFFFF)), I(x, 0x3F3504F3))), F(x, 1)));
            Expr square = Name(Multiply(f, f));
            Expr p = Polynomial(
                f, 7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1);
            Expr y = new Fma(e, F(x, -2.12194440e-4), Multiply(Multiply(p, f), square));
            Expr finite = new Fma(e, F(x, 0.693359375), Add(f, new Fma(square, F(x, -0.5), y)));

            // An infinity or a NaN stays; zero has minus infinity, what is below no logarithm.
            Expr special = new Select(
                new Binary(BinaryOp.Equal, x, F(x, 0)), F(x, double.NegativeInfinity), new Select(new Binary(BinaryOp.Less, x, F(x, 0)), F(x, double.NaN), x));
            Expr isFinite = new Binary(BinaryOp.And, new Binary(BinaryOp.Less, F(x, 0), x), new Binary(BinaryOp.Less, x, F(x, double.PositiveInfinity)));
            return Name(new Select(isFinite, finite, special));
        }

        /// <summary>1 - 2 / (e^2|x| + 1) with the sign of x; near zero an odd polynomial of degree 11.</summary>
        private Expr Tanh(Expr x)
        {
            Expr size = Name(new Unary(UnaryOp.Abs, x));
            Expr large = Subtract(F(x, 1), Divide(F(x, 2), Add(Exp(Name(Add(size, size))), F(x, 1))));
            Expr signed = AsFloat(new Binary(BinaryOp.Or, AsInteger(large), new Binary(BinaryOp.And, AsInteger(x), I(x, int.MinValue))));
            Expr square = Name(Multiply(x, x));
            Expr p = Polynomial(square, -5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1);
            Expr small = new Fma(Multiply(p, square), x, x);
            return Name(new Select(new Binary(BinaryOp.Less, size, F(x, 0.625)), small, signed));
        }

        /// <summary>A rational function of degree 13 over 8 on [-4, 4], outside of which the result is ±1.</summary>
        private Expr Erf(Expr x)
        {
            x = Name(new Binary(BinaryOp.Max, F(x, -4), new Binary(BinaryOp.Min, F(x, 4), x)));
            Expr square = Name(Multiply(x, x));
            Expr p = Polynomial(
                square, -2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05, -7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02);
            Expr q = Polynomial(square, -1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03, -7.37332916720468e-03, -1.42647390514189e-02);
            return Name(Divide(Multiply(x, p), q));
        }

        // ── Arithmetic ─────────────────────────────────────────────────────────────────────────────────────────────────

        /// <summary>A polynomial by its coefficients, highest first.</summary>
        private static Expr Polynomial(Expr x, params ReadOnlySpan<double> coefficients)
        {
            Expr value = F(x, coefficients[0]);
            foreach (double coefficient in coefficients[1..]) value = new Fma(value, x, F(x, coefficient));
            return value;
        }

        private static Expr PowerOfTwo(Expr exponent) =>
            AsFloat(new Binary(BinaryOp.ShiftLeft, new Binary(BinaryOp.Add, exponent, I(exponent, 127)), I(exponent, 23)));

        private static Const F(Expr like, double value) => Const.Of(new VectorType(ElementType.Float32, like.Type.Lanes), (float)value);

        private static Const I(Expr like, long value) => Const.OfInteger(new VectorType(ElementType.Int32, like.Type.Lanes), value);

        private static Bits AsInteger(Expr a) => new(a, new VectorType(ElementType.Int32, a.Type.Lanes));

        private static Bits AsFloat(Expr a) => new(a, new VectorType(ElementType.Float32, a.Type.Lanes));

        private static Binary Add(Expr a, Expr b) => new(BinaryOp.Add, a, b);

        private static Binary Subtract(Expr a, Expr b) => new(BinaryOp.Subtract, a, b);

        private static Binary Multiply(Expr a, Expr b) => new(BinaryOp.Multiply, a, b);

        private static Binary Divide(Expr a, Expr b) => new(BinaryOp.Divide, a, b);
    }
}
