namespace Lathe.Runtime.Routines;

/// <summary>
/// The discrete Fourier transform of a length, in place, on complex float64: Cooley and Tukey's algorithm for powers of two; for others a convolution with a
/// chirp, of a length that is one (Bluestein, "A linear filtering approach to the computation of discrete Fourier transform", 1970).
/// </summary>
internal readonly unsafe struct Fourier
{
    private readonly long _n, _size;
    private readonly bool _isInverse;
    private readonly double* _roots, _chirp, _filter;

    /// <summary>Prepares transforms.</summary>
    /// <param name="memory">24 numbers for each of the length.</param>
    /// <param name="n">The length, at least 1.</param>
    /// <param name="isInverse">The inverse transform, divided by the length.</param>
    public Fourier(double* memory, long n, bool isInverse)
    {
        (_n, _isInverse) = (n, isInverse);
        bool isPower = (n & (n - 1)) == 0;
        _size = 1;
        while (_size < (isPower ? n : (2 * n) - 1)) _size *= 2;
        // Less than four times the length each, in real and imaginary parts, but for the roots and the chirp.
        Data = memory;
        _roots = Data + (2 * _size);
        _filter = _roots + _size;
        _chirp = isPower ? null : _filter + (2 * _size);
        for (long i = 0; i < _size / 2; i++) (_roots[(2 * i) + 1], _roots[2 * i]) = Math.SinCos(-2 * Math.PI * i / _size);
        if (isPower) return;

        new Span<double>(_filter, checked((int)(2 * _size))).Clear();
        long square = 0;
        for (long i = 0; i < n; i++)
        {
            // The angle is that of i², which is taken modulo a full turn to keep it exact.
            (double sin, double cos) = Math.SinCos(-Math.PI * square / n);
            (_chirp[2 * i], _chirp[(2 * i) + 1]) = (cos, sin);
            (_filter[2 * i], _filter[(2 * i) + 1]) = (cos, -sin);
            if (i > 0) (_filter[2 * (_size - i)], _filter[(2 * (_size - i)) + 1]) = (cos, -sin);
            square = (square + (2 * i) + 1) % (2 * n);
        }

        PowerOfTwo(_filter);
    }

    /// <summary>The numbers, real and imaginary parts in turn: before and after.</summary>
    public double* Data { get; }

    /// <summary>Transforms the data.</summary>
    public void Run()
    {
        // The inverse is the transform of the conjugate, conjugated.
        if (_isInverse) Conjugate();
        if (_chirp is null) PowerOfTwo(Data);
        else Chirp();
        if (!_isInverse) return;
        Conjugate();
        for (long i = 0; i < 2 * _n; i++) Data[i] /= _n;
    }

    private void Conjugate()
    {
        for (long i = 0; i < _n; i++) Data[(2 * i) + 1] = -Data[(2 * i) + 1];
    }

    private void Chirp()
    {
        for (long i = 0; i < _size; i++)
        {
            if (i < _n) Multiply(Data + (2 * i), _chirp + (2 * i));
            else (Data[2 * i], Data[(2 * i) + 1]) = (0, 0);
        }

        PowerOfTwo(Data);
        for (long i = 0; i < _size; i++)
        {
            Multiply(Data + (2 * i), _filter + (2 * i));
            Data[(2 * i) + 1] = -Data[(2 * i) + 1];
        }

        PowerOfTwo(Data);
        for (long i = 0; i < _n; i++)
        {
            (Data[2 * i], Data[(2 * i) + 1]) = (Data[2 * i] / _size, -Data[(2 * i) + 1] / _size);
            Multiply(Data + (2 * i), _chirp + (2 * i));
        }
    }

    private void PowerOfTwo(double* data)
    {
        for (long i = 1, reversed = 0; i < _size; i++)
        {
            long bit = _size / 2;
            for (; (reversed & bit) != 0; bit /= 2) reversed ^= bit;
            reversed |= bit;
            if (i >= reversed) continue;
            (data[2 * i], data[2 * reversed]) = (data[2 * reversed], data[2 * i]);
            (data[(2 * i) + 1], data[(2 * reversed) + 1]) = (data[(2 * reversed) + 1], data[(2 * i) + 1]);
        }

        for (long half = 1; half < _size; half *= 2)
        {
            long step = _size / (2 * half);
            for (long begin = 0; begin < _size; begin += 2 * half)
            {
                for (long i = 0; i < half; i++)
                {
                    double* a = data + (2 * (begin + i)), b = a + (2 * half);
                    Multiply(b, _roots + (2 * i * step));
                    (double re, double im) = (b[0], b[1]);
                    (b[0], b[1]) = (a[0] - re, a[1] - im);
                    (a[0], a[1]) = (a[0] + re, a[1] + im);
                }
            }
        }
    }

    private static void Multiply(double* a, double* b) => (a[0], a[1]) = ((a[0] * b[0]) - (a[1] * b[1]), (a[0] * b[1]) + (a[1] * b[0]));
}
